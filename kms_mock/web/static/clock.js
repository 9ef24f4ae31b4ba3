// The server's time, as far as the page knows it between two messages.

import { on } from "./live.js";

let known = Date.now();
let since = Date.now();
export let rate = 1;

on("state", (state) => setClock(state));

export function setClock({ now, tick_rate }) {
  known = new Date(now).getTime();
  since = Date.now();
  rate = tick_rate;
}

export function serverNow() {
  return known + (Date.now() - since) * rate;
}
