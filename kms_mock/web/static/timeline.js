// The life of a secret's versions and of a key, drawn: what was, the present, and what is due.

import { el, svg } from "./dom.js";
import { time } from "./data.js";
import { t } from "./texts.js";

const NARROW = 760; // pixels of the window
const LETTER = 6.8;
const LANE = 26;

const at = (iso) => new Date(iso).getTime();

// lanes: [{ name, from, marks: [text] }]; moments: [{ at, title, kind }]; `now` is the server's time.
function draw(label, lanes, moments, now) {
  const drawn = innerWidth > NARROW ? 640 : 372;
  const axis = innerWidth > NARROW ? 96 : 64;
  const most = Math.floor((axis - 10) / LETTER); // letters of a name
  const times = [now, ...lanes.map((lane) => lane.from), ...moments.map((moment) => moment.at)];
  const first = Math.min(...times);
  const span = Math.max(...times) - first || 1;
  const widthOf = (text) => text.length * LETTER + 12;
  const stages = Math.max(0, ...lanes.map((lane) => lane.marks.reduce((sum, text) => sum + widthOf(text) + 5, 0)));
  const right = drawn - Math.min(stages, drawn * 0.55) - 16; // the stages have their place beside the axis of time
  const x = (moment) => axis + 8 + ((moment - first) / span) * (right - axis - 16);
  const bottom = lanes.length * LANE + 12;
  const levels = [];
  const height = () => bottom + 22 + levels.length * 16;
  const ahead = moments.toSorted((a, b) => a.at - b.at).map((moment) => moment.title ? mark(moment) : null);

  function mark(moment) {
    const place = x(moment.at);
    const text = `${moment.title} ${time(new Date(moment.at).toISOString()).slice(0, 10)}`;
    const width = text.length * LETTER;
    const start = Math.min(Math.max(place - width / 2, 0), drawn - width);
    let level = levels.findIndex((end) => end < start - 6);
    if (level < 0) level = levels.push(0) - 1;
    levels[level] = start + width;
    const y = bottom + 18 + level * 16;
    return [
      svg("line", { class: `moment ${moment.kind}`, x1: place, x2: place, y1: 4, y2: y - 11 }),
      svg("text", { class: `moment ${moment.kind}`, x: start, y }, text),
    ];
  }

  const rows = lanes.map((lane, index) => {
    const y = index * LANE + 16;
    let left = right + 6;
    return [
      svg("text", { class: "lane", x: axis - 8, y: y + 4, "text-anchor": "end" }, shortened(lane.name, most), svg("title", {}, lane.name)),
      svg("line", { class: lane.marks.length ? "life marked" : "life", x1: x(lane.from), x2: Math.max(x(now), x(lane.from) + 2), y1: y, y2: y }),
      svg("circle", { class: "begin", cx: x(lane.from), cy: y, r: 4 }, svg("title", {}, time(new Date(lane.from).toISOString()))),
      lane.marks.map((text) => {
        const width = widthOf(text);
        const place = Math.min(left, drawn - width - 2);
        left += width + 5;
        return svg("g", { class: `stage ${text}` }, svg("rect", { x: place, y: y - 9, width, height: 18, rx: 9 }), svg("text", { x: place + width / 2, y: y + 4, "text-anchor": "middle" }, text));
      }),
    ];
  });
  const drawing = svg("svg", { viewBox: `0 0 ${drawn} ${height()}`, role: "img", "aria-label": label }, svg("line", { class: "now", x1: x(now), x2: x(now), y1: 4, y2: bottom }), ahead, rows);
  return el("figure", { class: "timeline", tabindex: "0" }, drawing, el("figcaption", {}, label));
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function moment(iso, title, kind) {
  return iso ? [{ at: at(iso), title, kind }] : [];
}

export function secretTimeline(secret, now) {
  const lanes = secret.versions.toReversed().map((version) => ({ name: version.id, from: at(version.created), marks: version.stages ?? [] }));
  const moments = [
    ...moment(secret.created, t("created"), "past"),
    ...moment(secret.last_rotation, t("rotated"), "past"),
    { at: now, title: t("now"), kind: "present" },
    ...moment(secret.next_rotation, t("rotates"), "ahead"),
    ...moment(secret.planned_delete, t("deleted"), "end"),
  ];
  const stages = lanes.map((lane) => `${lane.name}: ${lane.marks.join(", ") || "—"}`).join("; ");
  return draw(t("timeline_of", { name: secret.name, what: stages }), lanes, moments, now);
}

export function keyTimeline(key, now) {
  const lanes = key.versions.toReversed().map((version, index) => ({ name: version.id ?? "", from: at(version.created), marks: index === 0 ? [t("primary")] : [] }));
  const moments = [
    ...moment(key.created, t("created"), "past"),
    ...moment(key.last_rotation, t("rotated"), "past"),
    { at: now, title: t("now"), kind: "present" },
    ...moment(key.next_rotation, t("rotates"), "ahead"),
    ...moment(key.material_expires, t("expires"), "end"),
    ...moment(key.deletion_date, t("deleted"), "end"),
  ];
  return draw(t("timeline_of", { name: key.id, what: key.state ?? "" }), lanes, moments, now);
}
