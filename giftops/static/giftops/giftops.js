/* Small manners of the pages: relative times that stay true, copy buttons, a button that is pressed
   once, regions that refresh themselves, the forms' live figures, the end of a reveal. */
(() => {
  "use strict";

  // --- Relative times: the same words as giftops/show.py --------------------------------------
  const UNITS = [["d", 86400], ["h", 3600], ["min", 60]];
  const length = (s) => { for (const [unit, size] of UNITS) if (s >= size) return `${Math.floor(s / size)} ${unit}`; return `${Math.floor(s)} s`; };
  const inWords = (at, now) => {
    const gap = (at - now) / 1000, size = Math.abs(gap);
    if (size < 5) return "now";
    if (size >= 30 * 86400) return null; // a date stays a date
    return gap > 0 ? `in ${length(size)}` : `${length(size)} ago`;
  };
  const refreshTimes = (root = document) => {
    for (const time of root.querySelectorAll("time.g-age")) {
      const words = inWords(Date.parse(time.dateTime), Date.now());
      if (words && time.textContent !== words) time.textContent = words;
    }
  };

  // --- Copying: what is copied is named on the button, never a secret ---------------------------
  const copy = async (button) => {
    const label = button.textContent;
    try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "Copied"; }
    catch { button.textContent = "Press Ctrl-C"; getSelection().selectAllChildren(document.querySelector(button.dataset.copyFrom)); }
    setTimeout(() => { button.textContent = label; }, 1600);
  };

  // --- A form is sent once: the server's token decides, this only spares the second request ------
  const sendOnce = (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-many")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    for (const button of document.querySelectorAll("button[type=submit]"))
      if (button.form === form) button.classList.add("is-busy");
  };
  const allowAgain = () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll(".is-busy")) button.classList.remove("is-busy");
  };

  // --- Regions that refresh themselves while something is on its way ----------------------------
  // Only while somebody is there: a page left alone must not keep its session awake.
  const PATIENCE = 5 * 60 * 1000;
  let touchedAt = Date.now();
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
    addEventListener(kind, () => { touchedAt = Date.now(); }, { passive: true });
  const isBusyIn = (region) => region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  const refreshRegions = async () => {
    const regions = [...document.querySelectorAll("[data-refresh]")];
    if (!regions.length || document.hidden || Date.now() - touchedAt > PATIENCE || regions.some(isBusyIn)) return;
    let answer;
    try { answer = await fetch(location.pathname + location.search, { headers: { "X-Refresh": "1" }, redirect: "error" }); }
    catch { return; } // offline for a moment: the next round tries again
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const region of regions) {
      const next = fresh.getElementById(region.id);
      if (next && !isBusyIn(region) && !region.querySelector("form[data-sent]")) region.replaceWith(next);
    }
    refreshTimes();
  };
  const watchRegions = () => {
    const region = document.querySelector("[data-refresh]");
    if (!region) return;
    setTimeout(async () => { await refreshRegions(); watchRegions(); }, Number(region.dataset.refresh) * 1000);
  };

  // --- The order form: what is wrong so far is said at its field -----------------------------------
  const placeErrors = () => {
    for (const old of document.querySelectorAll("[data-live] > [data-error-for]")) {
      old.closest(".g-field")?.classList.remove("has-error");
      old.remove();
    }
    const emptied = new Set(); // of what the page was sent with
    for (const error of document.querySelectorAll("#quote > [data-error-for]")) {
      const slot = document.querySelector(`[data-live="${error.dataset.errorFor}"]`);
      if (!slot) continue; // said beside the figures then
      if (!emptied.has(slot)) slot.replaceChildren();
      emptied.add(slot);
      slot.append(error);
      slot.closest(".g-field")?.classList.add("has-error");
    }
  };

  // --- A chosen file is read into the field beside it, so that one look checks both ----------------
  const readInto = async (input) => {
    const field = document.querySelector(input.dataset.into), file = input.files[0];
    if (!file || !field) return;
    const text = await file.text();
    if (text.includes("\uFFFD") || text.length > field.maxLength) return; // the server says what is wrong with it
    field.value = text;
    input.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // --- A revealed secret leaves the page when its time is over ------------------------------------
  const startReveal = () => {
    const box = document.getElementById("secret");
    if (!box) return;
    const total = Number(box.dataset.seconds), ends = performance.now() + total * 1000;
    const remove = () => { const gone = document.getElementById("secret-gone"); box.remove(); if (gone) gone.hidden = false; };
    const tick = () => {
      if (!box.isConnected) return;
      const left = Math.max(0, ends - performance.now());
      if (left <= 0) { remove(); return; }
      box.querySelector("[data-clock]").textContent = `Disappears in ${Math.ceil(left / 1000)} s`;
      box.querySelector("[data-clock-bar]").style.width = `${(left / total / 10).toFixed(1)}%`;
      setTimeout(tick, 200);
    };
    tick();
    addEventListener("pagehide", remove);
    addEventListener("beforeprint", remove);
    document.addEventListener("visibilitychange", () => { if (performance.now() >= ends && box.isConnected) remove(); });
  };

  // --- What a card was worth on the day that the slider stands at --------------------------------
  const showWorth = (slider) => {
    const day = Number(slider.value), level = JSON.parse(slider.dataset.levels).findLast(([from]) => from <= day);
    const at = new Date(Date.parse(slider.dataset.first) + day * 86400000);
    const on = `${at.getUTCDate()} ${at.toLocaleDateString("en-US", { month: "short", timeZone: "UTC" })} ${at.getUTCFullYear()}`;
    const worth = document.createElement("strong");
    worth.textContent = level[1];
    document.getElementById("worth-then").replaceChildren(`Value on ${on}: `, worth);
    document.getElementById("worth-mark").setAttribute("d", `M${(900 * day / Number(slider.max)).toFixed(2)} 0V160`);
    slider.setAttribute("aria-valuetext", `${on}: ${level[1]}`);
  };
  document.addEventListener("input", (event) => { if (event.target.id === "worth-day") showWorth(event.target); });

  // --- An error leaves its field when the field is changed -----------------------------------------
  document.addEventListener("input", (event) => {
    const field = event.target.closest(".g-field.has-error");
    if (!field || event.target.type === "search") return;
    field.classList.remove("has-error");
    for (const error of field.querySelectorAll(".g-field__error")) error.remove();
    event.target.removeAttribute("aria-invalid");
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("change", (event) => { if (event.target.matches("[data-into]")) readInto(event.target); });
  document.addEventListener("submit", sendOnce);
  addEventListener("pageshow", (event) => {
    allowAgain();
    if (event.persisted) location.replace(location.href); // never show a remembered page
  });
  document.addEventListener("DOMContentLoaded", () => {
    refreshTimes();
    setInterval(refreshTimes, 5000);
    watchRegions();
    startReveal();
    document.body.addEventListener("htmx:afterSwap", () => { refreshTimes(); placeErrors(); });
  });
})();
