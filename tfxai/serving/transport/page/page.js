// Asks the server that this page came from. Nothing is sent anywhere else.

const $ = (id) => document.getElementById(id);
const SIDE = 448; // pixels of the drawing's longer side
const LARGEST = 4096; // pixels of a side that is sent; more is reduced here
const TOP = 5;
const RETRY = 1000; // ms
const PAUSE = 600; // ms without a key before a text is explained
const state = { about: null, bitmap: null, data: null, asked: 0 };

async function ask(path, body) {
  const headers = { accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  const token = sessionStorage.getItem("token");
  if (token) headers.authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    throw new Error("The server cannot be reached. Is it running?");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    $("token-row").hidden = false;
    $("token").focus();
    throw new Error(token
      ? "This server wants a token, and not this one. Enter it in the field Token above."
      : "This server wants a token. Enter it in the field Token above.");
  }
  if (!answer.ok) throw new Error(content.error || `The server answered with status ${answer.status}.`);
  return content;
}

function say(text) {
  $("status").textContent = text;
  $("error").hidden = true;
}

function complain(error) {
  $("status").textContent = "";
  $("error").textContent = error.message;
  $("error").hidden = false;
}

function fill(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  if (entries.some(([value]) => value === before)) select.value = before;
}

const model = () => ($("model").hidden ? $("model-name").value.trim() : $("model").value);
const path = (end) => `v1/models/${encodeURIComponent(model())}${end}`;
const words = (name) => name.replaceAll("_", " ");

async function listModels() {
  try {
    const ready = await fetch("readyz").then((answer) => answer.json()).catch(() => ({ ready: true }));
    if (!ready.ready) {
      say(`${ready.reason} Trying again …`);
      setTimeout(listModels, RETRY);
      return;
    }
    const { models } = await ask("v1/models");
    const named = models.length > 0;
    $("model").hidden = !named;
    $("model-name").hidden = named;
    fill($("model"), models.map((name) => [name, name]));
    if (named) await listMethods();
    else say("Type the name of a model that the server has.");
  } catch (error) {
    complain(error);
  }
}

async function listMethods() {
  state.about = null;
  $("compare").hidden = $("beside").hidden = true;
  state.asked += 1; // an answer that is still to come is none of this model
  $("result").hidden = true;
  if (!model()) return;
  try {
    const about = await ask(path("/explainers"));
    state.about = about;
    fill($("method"), about.methods.map((one) => [
      one.name, words(one.name) + (one.by === "predictions" ? " (by predictions)" : ""),
    ]));
    fill($("target"), [["", "the predicted one"], ...(about.classNames || []).map((name, i) => [String(i), name])]);
    $("drop").hidden = !about.takesImages;
    $("text-row").hidden = !about.takesTexts;
    if (!about.takesImages && !about.takesTexts) {
      throw new Error("This model takes no images and no texts, or its export does not say how: call :explain with its numbers.");
    }
    if (!about.methods.length) throw new Error("This model has no signature that explains.");
    listOthers(about.methods);
    say(asks() ? "" : about.takesTexts ? "Write a text." : "Choose an image.");
    if (asks()) await explain();
  } catch (error) {
    complain(error);
  }
}

// A box for each method; those that were ticked for the model before stay so.
function listOthers(methods) {
  const before = new Set(ticked());
  $("others").replaceChildren(...methods.map(({ name }) => {
    const label = element("label");
    const box = Object.assign(element("input"), { type: "checkbox", value: name, checked: before.has(name) });
    box.addEventListener("change", () => asks() && explain());
    label.append(box, words(name));
    return label;
  }));
  $("compare").hidden = methods.length < 2;
}

// Whether there is something to explain, of the kind that the model takes.
const asks = () => Boolean(state.about && (state.about.takesTexts ? $("text").value.trim() : state.data));

const ticked = () => [...document.querySelectorAll("#others input:checked")].map((box) => box.value);

async function take(file) {
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Error("The browser cannot read this file as an image.");
    });
    const isSmall = Math.max(bitmap.width, bitmap.height) <= LARGEST;
    const isSent = ["image/jpeg", "image/png"].includes(file.type) && isSmall;
    const data = await inBase64(isSent ? file : await redrawn(bitmap));
    if (state.bitmap) state.bitmap.close();
    Object.assign(state, { bitmap, data }); // the one before stays until all of this has worked
    if (state.about && state.about.takesImages) await explain();
  } catch (error) {
    complain(error);
  }
}

async function redrawn(bitmap) {
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/png" });
}

function inBase64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

async function explain() {
  const number = ++state.asked;
  const target = $("target").value;
  say("Explaining …");
  $("result").classList.add("stale");
  const began = performance.now();
  try {
    const answer = await ask(path(":explain"), question($("method").value, target));
    if (number !== state.asked) return; // another question came meanwhile
    show(answer, performance.now() - began);
    say("");
    await compare(number, answer.explanations[0].attributions[0].outputIndex);
  } catch (error) {
    if (number === state.asked) complain(error);
  }
}

function question(method, target) {
  return {
    instances: [state.about.takesTexts ? $("text").value : { b64: state.data }],
    method,
    outputs: [state.about.takesTexts ? "tokens" : "heatmap_png", "predictions"],
    ...(target === "" ? {} : { target: Number(target) }),
  };
}

// The methods that are ticked, of the same output: one question after the other, so that one
// person's page never takes all places of the server.
async function compare(number, index) {
  const others = ticked().filter((name) => name !== $("method").value);
  const figures = others.map((name) => {
    const made = element("figure");
    made.className = "stale";
    made.append(element("h3", words(name)));
    return made;
  });
  $("beside").replaceChildren(...figures);
  $("beside").hidden = !others.length;
  for (const [i, name] of others.entries()) {
    try {
      const answer = await ask(path(":explain"), question(name, index.length === 1 ? index[0] : ""));
      if (number !== state.asked) return;
      showBeside(figures[i], answer.explanations[0].attributions[0], name);
    } catch (error) {
      if (number !== state.asked) return;
      figures[i].append(element("p", error.message));
    }
    figures[i].className = "";
  }
}

function showBeside(figure, one, name) {
  const told = [`score ${number4(one.instanceOutputValue)}`, one.completenessGap === undefined ? "" : `gap ${gap(one)}`];
  figure.prepend(one.tokens ? coloured(element("p"), one) : pictured(one, name));
  figure.append(element("p", told.filter(Boolean).join(", ")));
  opacity();
}

function pictured(one, name) {
  const picture = element("div");
  picture.className = "picture";
  const canvas = element("canvas");
  const drawn = $("image");
  Object.assign(canvas, { width: drawn.width, height: drawn.height });
  canvas.getContext("2d").drawImage(drawn, 0, 0);
  picture.append(canvas);
  if (one.heatmapPng) {
    const heat = element("img");
    heat.src = `data:image/png;base64,${one.heatmapPng.b64}`;
    heat.alt = `Heatmap of ${words(name)}`;
    picture.append(heat);
  }
  return picture;
}

// The words of a text, each on a colour: red speaks for the class, blue against it.
function coloured(paragraph, one) {
  const most = Math.max(...one.tokenValues.map(Math.abs)) || 1;
  const spans = one.tokens.map((word, i) => {
    const value = one.tokenValues[i];
    const span = element("span", word);
    const strength = (0.8 * Math.abs(value) / most).toFixed(3);
    span.style.backgroundColor = value < 0 ? `rgba(70, 130, 230, ${strength})` : `rgba(230, 80, 60, ${strength})`;
    span.title = `${word}: ${number4(value)}`;
    return span;
  }).filter((span) => span.textContent);
  paragraph.className = "words";
  paragraph.replaceChildren(...spans.flatMap((span) => [span, " "]));
  return paragraph;
}

function show(answer, milliseconds) {
  const one = answer.explanations[0].attributions[0];
  const names = state.about.classNames;
  const outputs = Array.isArray(answer.predictions[0]) ? answer.predictions[0] : [];
  const ofClasses = areClasses(answer, outputs);
  const only = outputs.length === 1 && !ofClasses;
  const name = (i) => (names && names[i] !== undefined ? names[i] : only ? "the output" : `output ${i}`);
  const order = outputs.map((_, i) => i).sort((a, b) => outputs[b] - outputs[a]);
  const target = one.outputIndex.length === 1 ? one.outputIndex[0] : -1;
  const isText = Boolean(one.tokens);
  $("picture").hidden = $("strength").hidden = isText;
  $("words").hidden = !isText;
  if (isText) coloured($("words"), one);
  else drawImage();
  $("heatmap").hidden = !one.heatmapPng;
  if (one.heatmapPng) $("heatmap").src = `data:image/png;base64,${one.heatmapPng.b64}`;
  $("heatmap").alt = `Heatmap of ${words(answer.explainer)} for ${name(target)}`;
  $("prediction").textContent = only ? `Output: ${number4(outputs[0])}`
    : order.length ? `${ofClasses ? "Predicted" : "Largest"}: ${name(order[0])}` : "";
  listClasses(only ? [] : order.slice(0, TOP), target, outputs, name, ofClasses);
  $("legend").textContent = legend(answer, target >= 0 ? name(target) : "the score", ofClasses);
  const facts = [
    ["Method", words(answer.explainer)],
    ["Explained", target >= 0 ? name(target) : "score"],
    [`Score (${answer.score || "output"})`, number4(one.instanceOutputValue)],
    ["Score at the baseline", number4(one.baselineOutputValue)],
    ["Completeness gap", gap(one)],
    ["Version", answer.modelVersion],
    ["Time", `${milliseconds.toFixed(0)} ms`],
  ].filter(([, value]) => value !== null && value !== undefined);
  $("facts").replaceChildren(...facts.flatMap(([term, value]) => [element("dt", term), element("dd", value)]));
  $("result").hidden = false;
  $("result").classList.remove("stale");
}

// Whether the outputs are those of classes, and not numbers such as a price.
function areClasses(answer, outputs) {
  if (state.about.classNames || ["logit", "probability"].includes(answer.score)) return true;
  return outputs.length > 1 && inUnit(outputs) && Math.abs(outputs.reduce((a, b) => a + b) - 1) < 1e-3;
}

function inUnit(outputs) {
  return outputs.every((value) => value >= 0 && value <= 1);
}

function listClasses(shown, target, outputs, name, ofClasses) {
  const all = !shown.length || shown.includes(target) || target < 0 ? shown : [...shown, target];
  const areShares = ofClasses && inUnit(outputs);
  $("classes").hidden = !all.length;
  $("classes").tBodies[0].replaceChildren(...all.map((i) => {
    const row = element("tr");
    const head = element("th");
    head.scope = "row";
    head.append(element("span", name(i)));
    if (areShares) {
      const meter = element("meter");
      meter.value = outputs[i];
      meter.setAttribute("aria-hidden", "true");
      head.append(meter);
    }
    row.append(head, element("td", areShares ? `${(100 * outputs[i]).toFixed(1)} %` : number4(outputs[i])));
    if (i === target) row.className = "chosen";
    return row;
  }));
}

function legend(answer, name, ofClasses) {
  const chosen = state.about.methods.find((one) => one.name === answer.explainer) || {};
  const layers = chosen.layers ? `, at ${chosen.layers.join(", ")}` : "";
  const signs = ofClasses ? " Red speaks for it, blue against it." : " Red raises it, blue lowers it.";
  const colours = { true: signs, false: " Bright is strong." };
  return `${words(answer.explainer)}${layers}: what the score of ${name} rests on.${colours[chosen.signed] || ""}`;
}

function gap(one) {
  if (one.completenessGap === undefined) return undefined;
  const share = one.approximationError;
  const percent = share === null || share === undefined ? "" : ` (${(100 * share).toPrecision(2)} %)`;
  return number4(one.completenessGap) + percent;
}

function number4(value) {
  return typeof value === "number" ? value.toPrecision(4) : undefined;
}

function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The middle of the image in the shape of the model's input, as the server cuts it out.
function drawImage() {
  const [end] = Object.values(state.about.inputs);
  const [, rows, columns] = end.tensor_shape.dim.map((one) => Number(one.size));
  const { width, height } = state.bitmap;
  const high = rows > 0 ? rows : height, wide = columns > 0 ? columns : width;
  const scale = Math.min(width / wide, height / high);
  const canvas = $("image");
  canvas.width = Math.round(SIDE * wide / Math.max(wide, high));
  canvas.height = Math.round(SIDE * high / Math.max(wide, high));
  const cut = [(width - scale * wide) / 2, (height - scale * high) / 2, scale * wide, scale * high];
  canvas.getContext("2d").drawImage(state.bitmap, ...cut, 0, 0, canvas.width, canvas.height);
}

function opacity() {
  const share = Number($("opacity").value);
  for (const heat of document.querySelectorAll(".picture img")) heat.style.opacity = share / 100;
  $("shown").textContent = `${share} %`;
}

$("question").addEventListener("submit", (event) => event.preventDefault());
$("model").addEventListener("change", listMethods);
$("model-name").addEventListener("change", listMethods);
for (const id of ["method", "target"]) $(id).addEventListener("change", () => asks() && explain());
$("text").addEventListener("input", () => {
  clearTimeout(state.pause);
  state.pause = setTimeout(() => asks() && explain(), PAUSE);
});
$("file").addEventListener("change", () => take($("file").files[0]));
$("opacity").addEventListener("input", opacity);
$("token").addEventListener("change", () => {
  sessionStorage.setItem("token", $("token").value);
  listModels();
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}
document.addEventListener("paste", (event) => take(event.clipboardData.files[0]));
opacity();
listModels();
