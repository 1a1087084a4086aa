"use strict";

const $ = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en-IN");
const history_max = 60; // seconds shown in the sparkline
const state = { token: "", purchases: [], timer: 0, quarantine_shown: "" };

// Out of the address bar, so that it is neither bookmarked nor shown on a shared screen.
function take_token() {
  const params = new URLSearchParams(location.search);
  const given = params.get("token");
  if (given) {
    sessionStorage.setItem("mudi-token", given);
    history.replaceState(null, "", location.pathname);
  }
  return given || sessionStorage.getItem("mudi-token") || "";
}

class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

async function call(path, method = "GET") {
  const answer = await fetch(path, { method, headers: { Authorization: `Bearer ${state.token}` }, cache: "no-store" });
  const text = await answer.text();
  const body = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Refused(answer.status, body.detail || body.title || `answer ${answer.status}`);
  return body;
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 3600000) return `${Math.floor(ms / 60000)} min`;
  if (ms < 86400000) return `${Math.floor(ms / 3600000)} h ${Math.floor(ms / 60000) % 60} min`;
  return `${Math.floor(ms / 86400000)} d ${Math.floor(ms / 3600000) % 24} h`;
}

function ago(us) {
  if (!us) return "never";
  const ms = Date.now() - us / 1000;
  return ms < 2000 ? "now" : `${duration(ms)} ago`;
}

function money(minor, currency) {
  try {
    const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${numbers.format(minor)} ${currency || ""}`;
  }
}

function count(number, one, many) {
  return `${numbers.format(number)} ${number === 1 ? one : many}`;
}

function element(tag, text = "", name = "") {
  const made = document.createElement(tag);
  if (text !== "") made.textContent = text;
  if (name) made.className = name;
  return made;
}

function put(id, value) {
  const node = $(id);
  const text = typeof value === "number" ? numbers.format(value) : value;
  if (node.textContent !== text) node.textContent = text;
}

function toast(text) {
  put("toast", text);
  $("toast").hidden = false;
  clearTimeout(state.toast);
  state.toast = setTimeout(() => { $("toast").hidden = true; }, 4000);
}

function show_link(name, text) {
  $("link").className = `pill ${name}`;
  put("link", text);
}

function draw_spark() {
  const rates = [];
  for (let i = 1; i < state.purchases.length; ++i) {
    const [before, now] = [state.purchases[i - 1], state.purchases[i]];
    rates.push(Math.max(0, (now.count - before.count) / Math.max(0.2, (now.at - before.at) / 1000)));
  }
  const top = Math.max(1, ...rates);
  const points = rates.map((rate, i) => {
    const x = 120 - (rates.length - 1 - i) * (120 / history_max);
    return `${x.toFixed(1)},${(34 - (rate / top) * 30).toFixed(1)}`;
  });
  const line = points.length ? `M${points.join(" L")}` : "";
  $("spark").querySelector(".line").setAttribute("d", line);
  const left = points.length ? points[0].split(",")[0] : 120;
  $("spark").querySelector(".area").setAttribute("d", line ? `${line} L120,36 L${left},36 Z` : "");
  const recent = rates.slice(-5);
  const mean = recent.length ? recent.reduce((sum, rate) => sum + rate, 0) / recent.length : 0;
  put("rate", mean < 10 ? mean.toFixed(1) : numbers.format(Math.round(mean)));
}

function show_status(status) {
  state.purchases.push({ at: performance.now(), count: status.purchases });
  if (state.purchases.length > history_max) state.purchases.shift();
  draw_spark();
  put("purchases", status.purchases);
  put("lines", status.lines);
  put("connected", status.connected);
  put("tills-count", status.tills);
  const away = status.tills - status.connected;
  put("tills-note", status.tills === 0 ? "none known yet" : away === 0 ? "all in touch" : `${away} offline, still selling`);
  put("lag", duration(status.lag_ms));
  put("waiting", status.inbox.waiting);
  put("profiles", status.profiles);
  put("records", status.source_records);
  put("merges", status.merges);
  put("offers", status.offers_out);
  put("pushed", status.offers_pushed);
  put("feed", status.feed_rows);
  put("quarantined", status.inbox.quarantined);
  put("quarantine-note", status.inbox.quarantined ? "need a look, see below" : "nothing waits for you");
  $("quarantine-tile").classList.toggle("alarm", status.inbox.quarantined > 0);
  put("fact-database", status.database);
  put("fact-uptime", duration(status.uptime_s * 1000));
  put("fact-memory", `${numbers.format(Math.round(status.rss_kib / 1024))} MiB`);
  put("fact-version", status.version);
}

function rows_into(table, rows) {
  const body = $(table).tBodies[0];
  const fresh = rows.map((cells) => {
    const row = document.createElement("tr");
    for (const [value, name] of cells) {
      const cell = element("td", value instanceof Node ? "" : String(value), name || "");
      if (value instanceof Node) cell.append(value);
      row.append(cell);
    }
    return row;
  });
  body.replaceChildren(...fresh);
}

function show_tills(tills) {
  $("tills").hidden = tills.length === 0;
  $("tills-empty").hidden = tills.length > 0;
  rows_into("tills", tills.map((till) => {
    const unsent = Math.max(0, till.captured - till.acked);
    const clock = till.clock_ahead_ms;
    return [
      [till.till, "strong"], [till.store], [till.workstation],
      [element("span", till.connected ? "connected" : "offline", till.connected ? "pill" : "pill waiting")],
      [numbers.format(till.captured), "n"], [numbers.format(till.received), "n"],
      [numbers.format(unsent), unsent > 0 ? "n late" : "n"],
      [duration(till.lag_ms), till.lag_ms > 5000 ? "n late" : "n"],
      [`${clock < 0 ? "−" : "+"}${duration(Math.abs(clock))}`, Math.abs(clock) > 60000 ? "n late" : "n"],
      [ago(till.last_contact_us)],
    ];
  }));
}

async function retry(id) {
  try {
    const done = await call(`/api/v1/quarantine/${id === null ? "" : `${id}/`}retry`, "POST");
    toast(`${numbers.format(done.applied)} of ${numbers.format(done.retried)} applied, ${numbers.format(done.left)} left`);
  } catch (refused) {
    toast(refused.message);
  }
  state.quarantine_shown = "";
  await refresh_quarantine();
}

function show_quarantine(events) {
  $("quarantine-panel").hidden = events.length === 0;
  const shown = JSON.stringify(events);
  if (shown === state.quarantine_shown) return; // a button must not vanish under the pointer
  state.quarantine_shown = shown;
  rows_into("quarantine", events.map((event) => {
    const button = element("button", "Retry");
    button.type = "button";
    button.addEventListener("click", () => { button.disabled = true; retry(event.id); });
    return [[event.id, "strong"], [event.till], [numbers.format(event.seq), "n"], [event.detail ? `${event.reason}: ${event.detail}` : event.reason, "reason"],
      [event.kind, "n"], [event.attempts, "n"], [ago(event.received_us)], [button]];
  }));
}

async function refresh_quarantine() {
  show_quarantine((await call("/api/v1/quarantine")).events);
}

function show_customer(profile) {
  const card = element("div", "", "customer");
  const who = element("div");
  who.append(element("h3", profile.name || `Profile ${profile.id}`));
  const meta = element("div", "", "meta");
  const reasons = new Set(profile.merged_because.map((link) => link.reason.replaceAll("_", " ")));
  const merged = reasons.size ? `, one person by ${[...reasons].join(", ")}` : "";
  const tier = element("div");
  if (profile.tier) tier.append(element("span", profile.tier, "badge"), " ");
  tier.append(`${numbers.format(profile.points)} points`);
  meta.append(tier, element("div", `${count(profile.cards.length, "card", "cards")}${profile.phone ? ` · ${profile.phone}` : ""}`),
    element("div", `${count(profile.visits, "visit", "visits")} · ${money(profile.spent, profile.currency)}`),
    element("div", `last visit ${profile.last_visit_us ? ago(profile.last_visit_us) : "never"}`),
    element("div", count(profile.records.length, "record", "records") + merged));
  who.append(meta);
  const offers = element("div");
  for (const offer of profile.offers) {
    const box = element("div", "", "offer");
    box.append(element("b", offer.title), element("span", offer.reason));
    offers.append(box);
  }
  if (profile.offers.length === 0) offers.append(element("p", "No offer out.", "empty"));
  card.append(who, offers);
  return card;
}

async function find(event) {
  event.preventDefault();
  const what = $("find-what").value.trim();
  if (!what) return;
  $("find-note").hidden = true;
  try {
    const found = (await call(`/api/v1/customers/find?q=${encodeURIComponent(what)}`)).profiles;
    $("found").replaceChildren(...found.map(show_customer));
    if (found.length === 0) { put("find-note", "Nobody is known by that."); $("find-note").hidden = false; }
  } catch (refused) {
    $("found").replaceChildren();
    put("find-note", refused.message);
    $("find-note").hidden = false;
  }
}

function ask_for_token(refused) {
  clearTimeout(state.timer);
  $("board").hidden = true;
  $("gate").hidden = false;
  $("gate-refused").hidden = !refused;
  show_link("waiting", "locked");
  $("gate-token").focus();
}

async function refresh() {
  let again = 1000;
  try {
    const [status, tills] = await Promise.all([call("/api/v1/status"), call("/api/v1/tills")]);
    $("gate").hidden = true;
    $("board").hidden = false;
    show_link("", "live");
    show_status(status);
    show_tills(tills.tills);
    if (status.inbox.quarantined > 0 || state.quarantine_shown !== "") await refresh_quarantine();
  } catch (refused) {
    if (refused.status === 401) return ask_for_token(true);
    show_link("down", "no answer");
    again = 2000;
  }
  state.timer = setTimeout(refresh, again);
}

$("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = $("gate-token").value.trim();
  sessionStorage.setItem("mudi-token", state.token);
  refresh();
});
$("find").addEventListener("submit", find);
$("retry-all").addEventListener("click", () => retry(null));
state.token = take_token();
if (state.token) refresh(); else ask_for_token(false);
