// The pretend phone: asks every moment what changed, draws it, and sends what the customer does.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const base = document.body.dataset.baseUrl;
  const wide = matchMedia("(min-width: 1100px)");
  const chosen = new URLSearchParams(location.search);
  const state = { number: chosen.get("number") || "", customer: chosen.get("customer") || "",
    cursor: "", numbers: [], messages: new Map(), rows: new Map(), round: 0, hurryUntil: 0, draft: {} };
  let timer = 0;

  function el(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name === "class") node.className = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
    return node;
  }

  async function call(method, path, body) {
    const options = { method, headers: {}, cache: "no-store" };
    if (body !== undefined) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const answer = await fetch(path, options);
    const data = answer.status === 204 ? null : await answer.json();
    if (!answer.ok) throw new Error((data && data.error) || `Answer ${answer.status}`);
    return data;
  }

  // --- Words ------------------------------------------------------------------------------
  const MARKS = /(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)]|(?<![\p{L}\p{N}])(?:\*[^*\n]+\*|_[^_\n]+_|~[^~\n]+~)(?![\p{L}\p{N}]))/gu;
  const TAGS = { "*": "strong", _: "em", "~": "s" };
  function words(text) {
    const parts = text.split(MARKS).map((part, index) => {
      if (index % 2 === 0) return part;
      if (part.startsWith("http")) return el("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part);
      return el(TAGS[part[0]], {}, part.slice(1, -1));
    });
    return el("div", { class: "words", dir: "auto" }, ...parts);
  }
  const clock = (at) => new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  function day(at) {
    const date = new Date(at * 1000), today = new Date(), before = new Date(Date.now() - 864e5);
    if (date.toDateString() === today.toDateString()) return "Today";
    if (date.toDateString() === before.toDateString()) return "Yesterday";
    return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
  }
  const spaced = (phone) => phone.replace(/^\+(234|233|254)(\d{2,3})(\d{3})(\d{4})$/, "+$1 $2 $3 $4");
  const TICKS = { accepted: ["✓", "Accepted"], sent: ["✓", "Sent"], delivered: ["✓✓", "Delivered"], read: ["✓✓", "Read"] };

  // --- Bubbles ----------------------------------------------------------------------------
  function media(message) {
    const { id, link, filename } = message.media;
    const source = id ? `/control/media/${encodeURIComponent(id)}` : "";
    if (!source) return el("a", { class: "file", href: link, target: "_blank", rel: "noopener noreferrer" }, `${filename || message.type}: ${link}`);
    if (message.type === "image") return el("img", { src: source, alt: message.text || "Photo", width: 240, height: 160, onerror: gone });
    if (message.type === "sticker") return el("img", { class: "sticker", src: source, alt: "Sticker", onerror: gone });
    if (message.type === "audio") return el("audio", { src: source, controls: true, preload: "none", "aria-label": "Voice note" });
    return el("a", { class: "file", href: source, target: "_blank", rel: "noopener" }, filename || message.type);
  }
  function gone(event) { event.target.replaceWith(el("em", {}, "This file is no longer kept.")); }

  function choices(message) {
    const tap = (kind, row) => () => send({ type: kind, reply_id: row.id, title: row.title, description: row.description, context: message.id });
    const made = (message.buttons || []).map((b) => el("button", { type: "button", onclick: tap("button_reply", b) }, b.title));
    if ((message.rows || []).length) {
      made.push(el("details", {}, el("summary", {}, message.list_label || "Options"), ...message.rows.map((row) =>
        el("button", { type: "button", onclick: tap("list_reply", row) }, row.title, row.description ? el("small", {}, row.description) : null))));
    }
    if (message.link && message.link.url) made.push(el("a", { href: message.link.url, target: "_blank", rel: "noopener noreferrer" }, message.link.text));
    return made.length ? el("div", { class: "choices" }, ...made) : null;
  }

  function explain(message) {
    const number = state.numbers.find((n) => n.id === state.number);
    if (!number || !number.slug) return null;
    const href = `${base}/w/${encodeURIComponent(number.slug)}/why/?id=${encodeURIComponent(message.id)}`;
    const text = message.direction === "out" ? "Why this reply?" : "What happened to it?";
    return el("a", { class: "explain", href, target: "_blank", rel: "noopener", onclick: openWhy }, text);
  }
  function openWhy(event) {
    const link = event.currentTarget;
    document.querySelectorAll(".explain[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
    if (!wide.matches) return;
    event.preventDefault();
    link.setAttribute("aria-current", "true");
    $("why-frame").hidden = $("why-tab").hidden = false;
    $("why-hint").hidden = true;
    $("why-tab").href = link.href;
    $("why-frame").contentWindow.location.replace(link.href);
  }

  const HEADS = { location: "Location", contacts: "Contact card", unsupported: "Poll" };
  function meta(message) {
    const mine = message.direction === "in";
    const [mark, label] = TICKS[message.status] || ["", ""];
    const shown = mine && message.status === "delivered" ? "Reached the business" : label;
    const tick = mark && el("span", { title: shown },
      el("span", { class: "tick" + (message.status === "read" ? " is-read" : ""), "aria-hidden": "true" }, mark), el("span", { class: "unseen" }, shown));
    return el("div", { class: "meta" }, el("time", { datetime: new Date(message.at * 1000).toISOString() }, clock(message.at)), tick || null);
  }
  function draw(message) {
    const mine = message.direction === "in";
    const bubble = el("div", { class: "bubble" },
      message.direction === "echo" ? el("div", { class: "from" }, "The owner, by phone") : null,
      message.quoted ? el("div", { class: "quoted", dir: "auto" }, message.quoted) : null,
      message.header ? el("div", { class: "head", dir: "auto" }, message.header) : null,
      message.media ? media(message) : null,
      HEADS[message.type] ? el("div", { class: "head" }, HEADS[message.type]) : null,
      message.text ? words(message.text) : null,
      message.footer ? el("div", { class: "foot", dir: "auto" }, message.footer) : null,
      meta(message));
    return el("li", { class: `row ${mine ? "mine" : message.direction === "echo" ? "echo" : "theirs"}${message.status === "failed" ? " is-failed" : ""}`, "data-id": message.id },
      bubble,
      message.reactions.length ? el("span", { class: "reactions" }, message.reactions.join(" ")) : null,
      message.error ? el("p", { class: "error" }, `The customer does not get this. ${message.error}`) : null,
      choices(message), explain(message));
  }

  function drawAll(changed, whole) {
    const log = $("log");
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 140;
    if (whole) { state.messages.clear(); state.rows.clear(); $("bubbles").replaceChildren(); }
    for (const message of changed) {
      const { status, ...rest } = message, before = JSON.stringify(rest);
      const old = state.rows.get(message.id), same = state.messages.get(message.id) === before;
      state.messages.set(message.id, before);
      if (old && same && status !== "failed") {
        // Only the tick moved: what is open, playing or being read aloud stays as it is.
        old.querySelector(".meta").replaceWith(meta(message));
        continue;
      }
      const row = draw(message);
      if (old) {
        if (old.querySelector(".explain[aria-current]")) row.querySelector(".explain").setAttribute("aria-current", "true");
        old.replaceWith(row);
      } else {
        const name = day(message.at);
        if (state.day !== name || !state.rows.size) $("bubbles").append(el("li", { class: "day" }, name));
        state.day = name;
        $("bubbles").append(row);
      }
      state.rows.set(message.id, row);
    }
    if (changed.length && (atEnd || whole)) log.scrollTop = log.scrollHeight;
    $("suggestions").hidden = !state.number || state.rows.size > 0;
    const unseen = changed.some((m) => m.direction === "out" && m.status === "delivered");
    if (unseen && !document.hidden) call("POST", "/control/read", { phone_number_id: state.number, customer: state.customer }).catch(() => {});
  }

  // --- Desk -------------------------------------------------------------------------------
  function drawNumbers(numbers) {
    const same = JSON.stringify(numbers) === JSON.stringify(state.numbers);
    state.numbers = numbers;
    if (!numbers.some((n) => n.id === state.number)) {
      const first = numbers[numbers.length - 1];
      if (first) choose({ number: first.id });
      else state.number = "";
    }
    if (!same) $("number").replaceChildren(...numbers.map((n) => el("option", { value: n.id }, `${n.name} · ${n.phone}`)));
    $("number").value = state.number;
    const number = numbers.find((n) => n.id === state.number);
    $("empty").hidden = Boolean(number);
    document.querySelectorAll(".needs-number").forEach((part) => { part.hidden = !number; });
    $("log").hidden = $("composer").hidden = !number;
    $("title").textContent = number ? number.name : "No business yet";
    $("avatar").textContent = number ? [...number.name][0].toUpperCase() : "?";
    if (!number) $("suggestions").hidden = true;
  }
  function drawPeople(people) {
    if (!people.some((p) => p.key === state.customer) && people[0]) return choose({ customer: people[0].key });
    const text = JSON.stringify([people, state.customer]);
    if (state.people === text) return;
    state.people = text;
    const focused = document.activeElement && document.activeElement.dataset.key;
    $("people").replaceChildren(...people.map((p) => el("li", {}, el("button", { type: "button", "data-key": p.key,
      "aria-pressed": String(p.key === state.customer), onclick: () => { choose({ customer: p.key }); closeDesk(); } },
      el("i", { "aria-hidden": "true" }, [...p.name][0].toUpperCase()),
      el("span", {}, el("b", {}, p.name), el("small", {}, p.last || spaced(p.phone) || `@${p.username} · hides the number`))))));
    if (focused) $("people").querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    return undefined;
  }
  function drawNetwork(data) {
    const faults = data.faults;
    document.querySelectorAll("[data-fault]").forEach((box) => { box.checked = box.dataset.fault in faults; });
    const code = faults.refuse ? String(faults.refuse.code || 0) : "";
    if (code && ![...$("refuse").options].some((o) => o.value === code)) $("refuse").append(el("option", { value: code }, `Code ${code}`));
    $("refuse").value = code;
    const count = Object.keys(faults).length;
    $("network-count").hidden = !count;
    $("network-count").textContent = `${count} on`;
  }
  function drawState(data) {
    const person = data.customers.find((p) => p.key === state.customer);
    const number = state.numbers.find((n) => n.id === state.number);
    clearTimeout(state.typing);
    $("typing").hidden = !(data.typing_ms > 0);
    if (data.typing_ms > 0) state.typing = setTimeout(() => { $("typing").hidden = true; drawState({ ...data, typing_ms: 0 }); }, data.typing_ms);
    $("subtitle").textContent = data.typing_ms > 0 ? "writing…" : `${person ? `you are ${person.name} · ` : ""}${number.phone}`;
    if (data.typing_ms > 0) $("log").scrollTop = $("log").scrollHeight;
    const sentence = data.failing > 1 ? `The business's server does not take messages. ${data.waiting} wait and are tried again.`
      : data.is_blocked ? "The business has blocked this customer." : "";
    notice(sentence);
  }
  function notice(sentence) {
    if ($("notice").textContent !== sentence) $("notice").textContent = sentence;
    $("notice").hidden = !sentence;
  }

  function choose({ number = state.number, customer = state.customer }) {
    if (number === state.number && customer === state.customer) return;
    state.draft[`${state.number}|${state.customer}`] = $("text").value;
    Object.assign(state, { number, customer, cursor: "", day: "", people: "" });
    state.round += 1;
    $("text").value = state.draft[`${number}|${customer}`] || "";
    history.replaceState(null, "", `?number=${encodeURIComponent(number)}&customer=${encodeURIComponent(customer)}`);
    soon();
  }
  function closeDesk() {
    $("desk").classList.remove("is-open");
    $("desk-open").setAttribute("aria-expanded", "false");
  }

  // --- Asking and sending -------------------------------------------------------------------
  async function ask() {
    clearTimeout(timer);
    if (document.hidden) return;
    const round = state.round;
    try {
      const query = new URLSearchParams({ phone_number_id: state.number, customer: state.customer, since: state.cursor });
      const data = await call("GET", `/control/chat?${query}`);
      if (state.is_lost) { state.is_lost = false; notice(""); }
      if (data && round === state.round) {
        state.cursor = data.cursor;
        drawNumbers(data.numbers);
        if (data.customers && round === state.round) {
          drawPeople(data.customers);
          if (round === state.round) { drawAll(data.messages, data.is_whole); drawNetwork(data); drawState(data); }
        }
      }
    } catch {
      state.is_lost = true;
      notice("The simulator does not answer. Trying again…");
    }
    clearTimeout(timer);
    timer = setTimeout(ask, Date.now() < state.hurryUntil ? 150 : 700);
  }
  function soon() { clearTimeout(timer); timer = setTimeout(ask, 0); }
  async function post(path, body) {
    try {
      await call("POST", path, { phone_number_id: state.number, ...body });
      state.hurryUntil = Date.now() + 4000;
      $("log").scrollTop = $("log").scrollHeight;
      soon();
      return true;
    } catch (error) {
      notice(`Not sent: ${error.message}`);
      return false;
    }
  }
  const send = (item) => post("/control/inbound", { from: state.customer, ...item });

  $("composer").addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = $("text").value.trim();
    if (!text) return;
    $("text").value = "";
    if (!(await send({ text }))) $("text").value = text;
  });
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); $("composer").requestSubmit(); }
  });
  $("suggestions").addEventListener("click", (event) => { if (event.target.matches("button")) { send({ text: event.target.textContent }); $("text").focus(); } });

  function menu(open) { $("attach-menu").hidden = !open; $("attach").setAttribute("aria-expanded", String(open)); }
  $("attach").addEventListener("click", () => { menu($("attach-menu").hidden); if (!$("attach-menu").hidden) $("attach-menu").querySelector("button").focus(); });
  $("attach-menu").addEventListener("click", (event) => {
    const type = event.target.dataset.type;
    if (!type) return;
    menu(false);
    $("text").focus();
    if (type === "echo") { $("echo").showModal(); return; }
    if (type === "many") { post("/control/inbound", { messages: Array.from({ length: 20 }, (_, i) => ({ from: state.customer, text: `Message ${i + 1} of 20` })) }); return; }
    if (type === "reaction") {
      const last = [...state.rows.values()].reverse().find((row) => row.classList.contains("theirs"));
      if (last) send({ type, message_id: last.dataset.id, emoji: "❤️" });
      else notice("There is no reply yet to react to.");
      return;
    }
    send({ type });
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("#attach, #attach-menu")) menu(false); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (!$("attach-menu").hidden) { menu(false); $("attach").focus(); }
    if ($("desk").classList.contains("is-open")) { closeDesk(); $("desk-open").focus(); }
  });

  $("echo-form").addEventListener("submit", (event) => {
    event.preventDefault();
    post("/control/echo", { to: state.customer, text: event.target.elements.text.value });
    event.target.reset();
    $("echo").close();
  });
  $("echo-cancel").addEventListener("click", () => $("echo").close());

  $("number").addEventListener("change", (event) => choose({ number: event.target.value }));
  $("someone-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    try {
      const made = await call("POST", "/control/customers", fields);
      event.target.reset();
      $("someone").open = false;
      $("someone-problem").hidden = true;
      choose({ customer: made.key });
      closeDesk();
    } catch (error) {
      $("someone-problem").textContent = error.message;
      $("someone-problem").hidden = false;
    }
  });
  $("network").addEventListener("change", (event) => {
    const box = event.target;
    if (box.id === "refuse") post("/control/faults", { refuse: box.value === "" ? null : { code: Number(box.value) } });
    else if (box.dataset.fault) post("/control/faults", { [box.dataset.fault]: box.checked ? JSON.parse(box.dataset.value) : null });
  });
  $("faults-clear").addEventListener("click", async () => {
    await call("DELETE", `/control/faults?phone_number_id=${encodeURIComponent(state.number)}`).catch(() => {});
    await call("DELETE", "/control/faults?phone_number_id=*").catch(() => {});
    soon();
  });
  $("reset").addEventListener("click", async () => {
    if (!confirm("Forget every chat of the pretend phone? The business keeps its own copy.")) return;
    await call("POST", "/control/reset", {}).catch((error) => notice(error.message));
    Object.assign(state, { cursor: "", people: "", round: state.round + 1 });
    soon();
  });
  $("desk-open").addEventListener("click", () => { $("desk").classList.add("is-open"); $("desk-open").setAttribute("aria-expanded", "true"); $("desk-close").focus(); });
  $("desk-close").addEventListener("click", () => { closeDesk(); $("desk-open").focus(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
  ask();
})();
