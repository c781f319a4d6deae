// What the parts of the page have in common.

export const $ = (id) => document.getElementById(id);
export const state = { about: null, bitmap: null, data: null, asked: 0 };
export const words = (name) => name.replaceAll("_", " ");

// What the server tells of a method.
export const chosen = (name) => state.about.methods.find((one) => one.name === name) || {};

export function element(tag, text) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  return made;
}
