// Asks the server that this page came from. Nothing is sent anywhere else.

import { fade, show, showBeside } from "./answers.js";
import { $, chosen, element, state, words } from "./shared.js";

const LARGEST = 4096; // pixels of a side that is sent; more is reduced here
const RETRY = 1000; // ms
const PAUSE = 600; // ms without a key before a text is explained
// What is said to the person. Any other error is a defect, whose words help nobody.
class Refusal extends Error {}

async function ask(path, body) {
  const headers = { accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  const token = sessionStorage.getItem("token");
  if (token) headers.authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers });
  } catch {
    throw new Refusal("The server cannot be reached. Is it running?");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401) {
    $("token-row").hidden = false;
    $("token").focus();
    throw new Refusal(token
      ? "This server wants a token, and not this one. Enter it in the field Token above."
      : "This server wants a token. Enter it in the field Token above.");
  }
  if (!answer.ok) throw new Refusal(content.error || `The server answered with status ${answer.status}.`);
  return content;
}

function say(text) {
  $("status").textContent = text;
  $("error").hidden = true;
}

function complain(error) {
  $("status").textContent = "";
  $("error").textContent = sentence(error);
  $("error").hidden = false;
  $("result").hidden = true; // it is of another question
}

function sentence(error) {
  if (error instanceof Refusal) return error.message;
  console.error(error);
  return "The page cannot show this answer: it is none that it knows.";
}

function fill(select, entries) {
  const before = select.value;
  select.replaceChildren(...entries.map(([value, text]) => new Option(text, value)));
  if (entries.some(([value]) => value === before)) select.value = before;
}

const model = () => ($("model").hidden ? $("model-name").value.trim() : $("model").value);
const path = (end) => `v1/models/${encodeURIComponent(model())}${end}`;
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
  $("compare").hidden = true;
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
      throw new Refusal("This model takes no images and no texts, or its export does not say how: call :explain with its numbers.");
    }
    if (!about.methods.length) throw new Refusal("This model has no signature that explains.");
    listOthers(about.methods);
    offer();
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

// The method that is chosen is no other one.
function offer() {
  for (const label of $("others").children) label.hidden = label.firstChild.value === $("method").value;
}

// Whether there is something to explain, of the kind that the model takes.
const asks = () => Boolean(state.about && (state.about.takesTexts ? $("text").value.trim() : state.data));

const ticked = () => [...document.querySelectorAll("#others input:checked")].map((box) => box.value);

async function take(file) {
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file).catch(() => {
      throw new Refusal("The browser cannot read this file as an image.");
    });
    const isSmall = Math.max(bitmap.width, bitmap.height) <= LARGEST;
    const isSent = ["image/jpeg", "image/png"].includes(file.type) && isSmall;
    const data = await inBase64(isSent ? file : await redrawn(bitmap));
    if (state.bitmap) state.bitmap.close();
    Object.assign(state, { bitmap, data });
    if (state.about && state.about.takesImages) await explain();
  } catch (error) {
    state.asked += 1; // an answer that is still to come is of the image before
    if (state.bitmap) state.bitmap.close();
    Object.assign(state, { bitmap: null, data: null });
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
    reader.onerror = () => failed(new Refusal("The file cannot be read."));
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
  const { takesTexts } = state.about;
  const drawn = !takesTexts ? ["heatmap_png"] : chosen(method).tokens ? ["tokens"] : [];
  return {
    instances: [takesTexts ? $("text").value : { b64: state.data }],
    method,
    outputs: [...drawn, "predictions"],
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
    made.append(element("figcaption", `${words(name)} …`));
    return made;
  });
  $("beside").replaceChildren(...figures);
  $("beside").hidden = !others.length;
  $("result").classList.toggle("several", others.length > 0);
  for (const [i, name] of others.entries()) {
    try {
      const answer = await ask(path(":explain"), question(name, index.length === 1 ? index[0] : ""));
      if (number !== state.asked) return;
      showBeside(figures[i], answer);
    } catch (error) {
      if (number !== state.asked) return;
      const told = Object.assign(element("p", `${words(name)}: ${sentence(error)}`), { className: "wrong" });
      figures[i].replaceChildren(told);
    }
    figures[i].className = "";
  }
}

$("question").addEventListener("submit", (event) => event.preventDefault());
$("model").addEventListener("change", listMethods);
$("model-name").addEventListener("change", listMethods);
$("method").addEventListener("change", offer);
for (const id of ["method", "target"]) $(id).addEventListener("change", () => asks() && explain());
$("text").addEventListener("input", () => {
  clearTimeout(state.pause);
  state.pause = setTimeout(() => asks() && explain(), PAUSE);
});
$("file").addEventListener("change", () => take($("file").files[0]));
$("opacity").addEventListener("input", fade);
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
fade();
listModels();
