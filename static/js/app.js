// Small comforts. Every page works without this file.
(() => {
  "use strict";
  const say = (text) => {
    const box = document.getElementById("toasts");
    if (!box || box.querySelector("[data-said]")) return;
    const toast = document.createElement("p");
    toast.className = "toast";
    toast.dataset.said = "";
    toast.dataset.tone = "bad";
    toast.textContent = text;
    box.append(toast);
    setTimeout(() => toast.remove(), 8000);
  };

  // A poll waits while nobody can see what it would change.
  document.addEventListener("htmx:beforeRequest", (event) => {
    const element = event.detail.elt;
    if (element.dataset.poll === undefined) return;
    if (document.hidden || !element.getClientRects().length) event.preventDefault();
  });
  const isPoll = (event) => event.detail.elt.dataset.poll !== undefined;
  document.addEventListener("htmx:sendError", (event) => {
    if (!isPoll(event)) say("No connection. Check your network, then try again.");
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (isPoll(event)) return;
    const said = event.detail.xhr.getResponseHeader("X-Say");
    if (said) return say(decodeURIComponent(said));
    const id = event.detail.xhr.getResponseHeader("X-Correlation-Id");
    say(`That did not work. Try again; if it stays, tell support this code: ${id || event.detail.xhr.status}`);
  });

  // A form that came back with a mistake shows it.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.xhr && event.detail.xhr.status === 422) {
      const mistake = document.querySelector("[role=alert], .errorlist");
      if (mistake) mistake.scrollIntoView({ block: "center" });
    }
  });

  document.addEventListener("keydown", (event) => {
    // With a keyboard, Enter sends a reply and Shift+Enter makes a new line.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("[data-enter]") &&
        matchMedia("(pointer: fine)").matches) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
    // Keys of the inbox; what they do is reachable without them.
    if (!event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, textarea, select")) {
      const talks = [...document.querySelectorAll(".talks a")];
      const step = { j: 1, k: -1 }[event.key];
      const goal = step
        ? talks[Math.min(talks.length - 1, Math.max(0, (talks.indexOf(document.activeElement) + 1 || talks.findIndex((a) => a.ariaCurrent) + 1) - 1 + step))]
        : event.key !== '"' && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (goal) {
        event.preventDefault();
        if (goal.open !== undefined) goal.open = !goal.open;
        else if (goal.matches("button")) goal.click();
        else goal.focus();
      }
    }
    if (event.key === "Escape") document.querySelectorAll(".menu[open]").forEach((menu) => { menu.open = false; });
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll(".menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (event.target.closest("[data-print]")) print();
    const close = event.target.closest("[data-close]");
    if (close) {
      event.preventDefault();
      document.getElementById(close.dataset.close).replaceChildren();
    }
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const field = document.getElementById(copy.dataset.copy);
      field.select();
      if (navigator.clipboard) {
        navigator.clipboard.writeText(field.value).then(() => { copy.textContent = copy.dataset.done; }, () => {});
      }
    }
  });

  // How much of a limit a text has used, as WhatsApp counts.
  const count = (field) => {
    const shown = document.querySelector(`[data-count-of="${field.id}"]`);
    if (shown) shown.textContent = Array.from(field.value).length.toLocaleString("en");
  };
  // Colleagues see that somebody writes, for as long as keys are pressed.
  let stops;
  document.addEventListener("input", (event) => {
    const mark = event.target.dataset.enter !== undefined && document.querySelector("[data-writing]");
    if (mark) {
      mark.value = 1;
      clearTimeout(stops);
      stops = setTimeout(() => { mark.value = ""; }, 6000);
    }
    if (event.target.dataset.counted !== undefined) count(event.target);
  });

  // One box ticks all of its page.
  document.addEventListener("change", (event) => {
    const name = event.target.dataset.all;
    if (name) document.querySelectorAll(`input[name="${name}"]`).forEach((box) => { box.checked = event.target.checked; });
  });

  // Seconds that run down, from what the server said: clocks of phones are often wrong.
  const ends = new WeakMap();
  setInterval(() => document.querySelectorAll("[data-left]").forEach((shown) => {
    if (!ends.has(shown)) ends.set(shown, performance.now() + 1000 * shown.dataset.left);
    shown.textContent = Math.max(0, Math.ceil((ends.get(shown) - performance.now()) / 1000));
  }), 500);

  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.elt.matches("[data-clear]")) event.detail.elt.reset();
  });

  const begin = () => {
    document.querySelectorAll("[data-counted]").forEach(count);
    document.querySelectorAll("[data-script][hidden]").forEach((element) => { element.hidden = false; });
  };
  begin();  // the page is there: see workspaces/loader.py
  document.addEventListener("htmx:afterSettle", begin);
})();
