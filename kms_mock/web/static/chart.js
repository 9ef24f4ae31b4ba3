// Calls and how long they took over the last minutes.

import { el, replace, svg } from "./dom.js";
import { t } from "./texts.js";

const BARS = 60;
const SECONDS = 5; // each
const WIDTH = 640;
const HEIGHT = 64;

export function chart() {
  const bars = new Map(); // number of the span of time -> { calls, failed, milliseconds }
  const element = el("figure", { class: "chart" });
  const spanOf = (moment) => Math.floor(moment / 1000 / SECONDS);

  function bar(moment) {
    const number = spanOf(moment);
    if (!bars.has(number)) bars.set(number, { calls: 0, failed: 0, milliseconds: 0 });
    return bars.get(number);
  }

  return {
    element,
    add(calls, skipped = 0) {
      for (const call of calls) {
        const found = bar(call.arrived);
        found.calls += 1;
        found.failed += call.status >= 400 ? 1 : 0;
        found.milliseconds += call.milliseconds;
      }
      if (skipped) bar(Date.now()).calls += skipped;
    },
    draw() {
      const last = spanOf(Date.now());
      for (const number of bars.keys()) if (number <= last - BARS) bars.delete(number);
      const most = Math.max(1, ...[...bars.values()].map((found) => found.calls));
      const slowest = Math.max(1, ...[...bars.values()].map((found) => found.milliseconds / (found.calls || 1)));
      const width = WIDTH / BARS;
      let total = 0;
      const line = [];
      const shapes = [...bars].toSorted((a, b) => a[0] - b[0]).map(([number, found]) => {
        total += found.calls;
        const x = (number - last + BARS - 1) * width;
        const height = (found.calls / most) * (HEIGHT - 4);
        const failed = (found.failed / most) * (HEIGHT - 4);
        line.push(`${x + width / 2},${HEIGHT - 2 - (found.milliseconds / (found.calls || 1) / slowest) * (HEIGHT - 8)}`);
        return [
          svg("rect", { class: "calls", x: x + 1, y: HEIGHT - height, width: width - 2, height }),
          svg("rect", { class: "failed", x: x + 1, y: HEIGHT - failed, width: width - 2, height: failed }),
        ];
      });
      const text = t("chart", { calls: total, most: (most / SECONDS).toFixed(1), slowest: slowest.toFixed(1) });
      replace(element, svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": text }, shapes, svg("polyline", { class: "latency", points: line.join(" ") })), el("figcaption", {}, text));
    },
  };
}
