// Shows an answer: the map, what its colours mean, and the numbers beside it.

import { $, chosen, element, state, words } from "./shared.js";

const SIDE = 448; // pixels of the drawing's longer side
const TOP = 5;

export function showBeside(figure, answer) {
  const one = answer.explanations[0].attributions[0];
  const told = [`Score ${number4(one.instanceOutputValue)}`, one.completenessGap === undefined ? "" : `gap ${gap(one)}`];
  const caption = element("figcaption");
  const meaning = Object.assign(element("p", `${legend(answer, one)} ${told.filter(Boolean).join(", ")}.`), { className: "legend" });
  caption.append(meaning, remarked(element("ul"), one));
  const drawn = one.tokens ? [coloured(element("p"), one)] : one.heatmapPng ? [pictured(one, answer.explainer)] : [];
  figure.replaceChildren(...drawn, caption);
  fade();
}

function remarked(list, one) {
  const told = one.remarks || [];
  list.className = "remarks";
  list.hidden = !told.length;
  list.replaceChildren(...told.map((text) => element("li", text)));
  return list;
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

export function show(answer, milliseconds) {
  const one = answer.explanations[0].attributions[0];
  const { outputs, ofClasses, only, name } = naming(answer);
  const order = outputs.map((_, i) => i).sort((a, b) => outputs[b] - outputs[a]);
  const target = one.outputIndex.length === 1 ? one.outputIndex[0] : -1;
  const isText = state.about.takesTexts;
  $("picture").hidden = $("strength").hidden = isText;
  $("words").hidden = !one.tokens;
  if (one.tokens) coloured($("words"), one);
  if (!isText) drawImage();
  $("heatmap").hidden = !one.heatmapPng;
  if (one.heatmapPng) $("heatmap").src = `data:image/png;base64,${one.heatmapPng.b64}`;
  $("heatmap").alt = `Heatmap of ${words(answer.explainer)} for ${name(target)}`;
  $("prediction").textContent = only ? `Output: ${number4(outputs[0])}`
    : order.length ? `${ofClasses ? "Predicted" : "Largest"}: ${name(order[0])}` : "";
  listClasses(only ? [] : order.slice(0, TOP), target, outputs, name, ofClasses);
  $("legend").textContent = legend(answer, one);
  remarked($("remarks"), one);
  const facts = [
    ["Method", words(answer.explainer)],
    ["Explained", target >= 0 ? name(target) : "score"],
    [`Score (${answer.score || "output"})`, number4(one.instanceOutputValue)],
    ["Score at the baseline", number4(one.baselineOutputValue)],
    ["Completeness gap", gap(one)],
    ["Where there is no word", number4(one.paddingValue)],
    ["Version", answer.modelVersion],
    ["Time", `${milliseconds.toFixed(0)} ms`],
  ].filter(([, value]) => value !== null && value !== undefined);
  $("facts").replaceChildren(...facts.flatMap(([term, value]) => [element("dt", term), element("dd", value)]));
  $("result").hidden = false;
  $("result").classList.remove("stale");
}

// What the outputs of an answer are, and how they are called.
function naming(answer) {
  const names = state.about.classNames;
  const outputs = [answer.predictions?.[0]].filter(Array.isArray)[0] ?? [];
  const ofClasses = areClasses(answer, outputs);
  const only = outputs.length === 1 && !ofClasses;
  const name = (i) => (names && names[i] !== undefined ? names[i] : only ? "the output" : `output ${i}`);
  return { outputs, ofClasses, only, name };
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

// What a map is of, and what its colours mean.
function legend(answer, one) {
  const { ofClasses, name } = naming(answer);
  const method = chosen(answer.explainer);
  const layers = method.layers ? `, at ${method.layers.join(", ")}` : "";
  const rests = one.outputIndex.length === 1 && one.outputIndex[0] >= 0 ? `the score of ${name(one.outputIndex[0])}` : "the score";
  const of = `${words(answer.explainer)}${layers}`;
  if (state.about.takesTexts && !one.tokens) return `${of} gives no values of words for this model.`;
  const signs = ofClasses ? " Red speaks for it, blue against it." : " Red raises it, blue lowers it.";
  const bright = one.tokens ? " The stronger the red, the more it counts." : " Bright is strong.";
  const colours = { true: signs, false: bright };
  return `${of}: what ${rests} rests on.${colours[method.signed] || ""}`;
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

export function fade() {
  const share = Number($("opacity").value);
  for (const heat of document.querySelectorAll(".picture img")) heat.style.opacity = share / 100;
  $("shown").textContent = `${share} %`;
}
