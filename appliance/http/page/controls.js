// Controls made from what the API says that there is to set: a switch, a slider, a choice, a text.
"use strict";

let controlHeld = ""; // a control being used, which must not be redrawn under the finger

function switchOf(prefix, name, words, value, change, title = "") {
  const label = element("label", undefined, "check");
  label.title = title;
  const input = document.createElement("input");
  input.type = "checkbox";
  input.id = `${prefix}-${name}`;
  input.checked = value;
  input.addEventListener("change", () => change(name, input.checked));
  label.append(input, element("span", words));
  return label;
}

const UNITS = { c: "°C", s: "s", ms: "ms", px: "px", db: "dB", kbps: "kbit/s" };

// "delay_ms" is "delay (ms)".
function wordsOf(name) {
  const parts = name.split("_");
  const unit = parts.length > 1 ? UNITS[parts.at(-1)] : undefined;
  return unit ? `${parts.slice(0, -1).join(" ")} (${unit})` : parts.join(" ");
}

// `change(name, value)` is called when somebody has set it.
function controlOf(prefix, field, change) {
  const words = wordsOf(field.name);
  if (field.kind === "switch") {
    return switchOf(prefix, field.name, words, field.value, change, field.description);
  }
  const label = element("label", undefined, "slider");
  label.title = `${field.description}; ${field.allowed}`;
  const shown = element("span", undefined, "value");
  shown.setAttribute("aria-hidden", "true");
  const input = field.kind === "choice" ? choiceOf(field) : document.createElement("input");
  input.id = `${prefix}-${field.name}`;
  const isNumber = field.kind === "number" || field.kind === "whole number";
  if (isNumber && field.minimum !== null && field.maximum !== null) {
    input.type = "range";
    input.min = field.minimum;
    input.max = field.maximum;
    const step = (field.maximum - field.minimum) / 200;
    input.step = field.kind === "number" ? 10 ** Math.floor(Math.log10(step)) : 1;
    shown.textContent = trim(field.value);
    input.addEventListener("input", () => {
      controlHeld = input.id;
      shown.textContent = trim(Number(input.value));
    });
  } else if (isNumber) {
    input.type = "number";
    input.step = field.kind === "number" ? "any" : 1;
  } else if (field.kind === "text" || field.kind === "secret") {
    input.type = field.kind === "text" ? "text" : "password";
    input.autocomplete = "off";
    input.addEventListener("input", () => (controlHeld = input.id));
    input.addEventListener("blur", () => (controlHeld = ""));
  }
  input.value = field.value;
  input.addEventListener("change", () => {
    change(field.name, isNumber ? Number(input.value) : input.value);
  });
  label.append(element("span", words), input);
  if (input.type === "range") label.append(shown);
  return label;
}

function choiceOf(field) {
  const select = document.createElement("select");
  for (const choice of field.choices) {
    const option = element("option", choice);
    option.value = choice;
    select.append(option);
  }
  return select;
}
