"""What clients of other projects get from a server: run with their Python, prints JSON.

python clients.py WHAT URL GRPC_ADDRESS
"""

from __future__ import annotations

import asyncio
import json
import sys

import numpy as np

LEFT = np.array([[1, 2], [0.5, 0]], np.float32)
RIGHT = np.array([[3, 4], [1, 1]], np.float32)
SECONDS = 300
COLUMNS = LEFT.tolist(), RIGHT.tolist()


def tensors(module, *, binary):
    """The inputs of `pair`, as tritonclient's HTTP or gRPC has them."""
    made = []
    for name, array in (("left", LEFT), ("right", RIGHT)):
        one = module.InferInput(name, array.shape, "FP32")
        one.set_data_from_numpy(array, **({} if binary is None else {"binary_data": binary}))
        made.append(one)
    return made


def picture(module):
    """A question to the signature that is Grad-CAM."""
    x = np.linspace(0, 1, 3072, dtype=np.float32).reshape(1, 32, 32, 3)
    image = module.InferInput("Input_Layer", x.shape, "FP32")
    image.set_data_from_numpy(x)
    target = module.InferInput("target", [1], "INT32")
    target.set_data_from_numpy(np.array([3], np.int32))
    return [image, target]


def explained(client, module):
    """What Grad-CAM says of it."""
    outputs = [module.InferRequestedOutput(n) for n in ("heatmap", "heatmap_png_bytes")]
    given = client.infer(
        "cifar10_cnn",
        picture(module),
        outputs=outputs,
        parameters={"signature_name": "explain_grad_cam"},
    )
    png = given.as_numpy("heatmap_png_bytes")[0]
    return {
        "heatmap": given.as_numpy("heatmap").tolist(),
        "png": bytes(png)[:4].hex(),
    }


def triton_http(url, _):
    """tritonclient over HTTP, whose default is bytes behind the JSON."""
    import tritonclient.http as module
    from tritonclient.utils import InferenceServerException

    client = module.InferenceServerClient(
        url.removeprefix("http://"), connection_timeout=SECONDS, network_timeout=SECONDS
    )
    answers = {
        "default": client.infer("pair", tensors(module, binary=None)),
        "json": client.infer(
            "pair",
            tensors(module, binary=False),
            outputs=[module.InferRequestedOutput("output_0", binary_data=False)],
        ),
        "gzip": client.infer(
            "pair",
            tensors(module, binary=None),
            request_compression_algorithm="gzip",
            response_compression_algorithm="gzip",
        ),
        "deflate": client.infer(
            "pair", tensors(module, binary=None), request_compression_algorithm="deflate"
        ),
    }
    try:
        client.infer("none", tensors(module, binary=None))
    except InferenceServerException as error:
        refused = str(error)
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model": client.is_model_ready("pair"),
        "server": client.get_server_metadata()["name"],
        "metadata": client.get_model_metadata("pair"),
        "refused": refused,
        "explained": explained(client, module),
        "answers": {key: one.as_numpy("output_0").tolist() for key, one in answers.items()},
    }


def triton_grpc(_, address):
    """tritonclient over gRPC."""
    import tritonclient.grpc as module
    from tritonclient.utils import InferenceServerException

    client = module.InferenceServerClient(address)
    given = client.infer("pair", tensors(module, binary=None), request_id="a1")
    try:
        client.infer("none", tensors(module, binary=None))
    except InferenceServerException as error:
        refused = f"{error.status()}: {error.message()}"
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model": client.is_model_ready("pair"),
        "server": client.get_server_metadata(as_json=True)["name"],
        "metadata": client.get_model_metadata("pair", as_json=True),
        "refused": refused,
        "explained": explained(client, module),
        "id": given.get_response(as_json=True)["id"],
        "answers": {"default": given.as_numpy("output_0").tolist()},
    }


async def kserve_rest(url, _):
    """The SDK of KServe over REST, its first protocol and its second one."""
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    first = InferenceRESTClient(RESTConfig(protocol="v1", timeout=SECONDS))
    second = InferenceRESTClient(RESTConfig(protocol="v2", timeout=SECONDS))
    rows = {"instances": [{"left": a, "right": b} for a, b in zip(*COLUMNS, strict=True)]}
    question = {
        "instances": np.linspace(0, 1, 3072).reshape(1, 32, 32, 3).tolist(),
        "parameters": {"method": "grad_cam"},
    }
    inputs = [InferInput("left", [2, 2], "FP32"), InferInput("right", [2, 2], "FP32")]
    answers = {}
    for binary in (False, True):
        for one, array in zip(inputs, (LEFT, RIGHT), strict=True):
            one.set_data_from_numpy(array, binary_data=binary)
        request = InferRequest("pair", inputs)
        if binary:
            request.parameters = {"binary_data_output": True}
        given = await second.infer(url, request, model_name="pair")
        answers["bytes" if binary else "json"] = given.outputs[0].as_numpy().tolist()
    predicted = await first.infer(url, rows, model_name="pair")
    told = await first.explain(url, "cifar10_cnn", question)
    return {
        "live": await second.is_server_live(url),
        "ready": await second.is_server_ready(url),
        "model": await second.is_model_ready(url, "pair"),
        "first": await first.is_model_ready(url, "pair"),
        "explained": told["explainer"],
        "answers": {"rows": predicted["predictions"], **answers},
    }


async def kserve_grpc(_, address):
    """The SDK of KServe over gRPC."""
    from kserve import InferenceGRPCClient, InferInput, InferRequest

    client = InferenceGRPCClient(address, timeout=SECONDS)
    answers = {}
    for binary in (False, True):
        inputs = [InferInput("left", [2, 2], "FP32"), InferInput("right", [2, 2], "FP32")]
        for one, array in zip(inputs, (LEFT, RIGHT), strict=True):
            one.set_data_from_numpy(array, binary_data=binary)
        given = await client.infer(InferRequest("pair", inputs))
        answers["bytes" if binary else "numbers"] = given.outputs[0].as_numpy().tolist()
    ready = await client.is_model_ready("pair")
    return {
        "live": await client.is_server_live(),
        "ready": await client.is_server_ready(),
        "model": ready,
        "answers": answers,
    }


if __name__ == "__main__":
    made = globals()[sys.argv[1]](*sys.argv[2:])
    if asyncio.iscoroutine(made):
        made = asyncio.run(made)
    sys.stdout.write(json.dumps(made, default=str))
