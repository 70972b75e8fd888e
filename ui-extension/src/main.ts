// Routes: #/ the list of results, #/series/<orthanc id>, #/study/<orthanc id>, #/status, #/consortium.

import { ApiError } from "./api";
import { showConsortium } from "./consortiumPage";
import { el } from "./dom";
import { showJobs, showStudy } from "./jobsPage";
import { showResult } from "./resultPage";
import { showStatus } from "./statusPage";

const kResearchUseOnly = "Research use only. Not a medical device; not for treatment decisions.";

function frame(): HTMLElement {
  const main = el("main", { id: "main", tabindex: -1 });
  const skip = el("a", { class: "skip", href: "#main" }, "Skip to the content");
  skip.addEventListener("click", (event) => { // the hash belongs to the routes
    event.preventDefault();
    main.focus();
  });
  document.getElementById("app")?.replaceChildren(skip,
    el("header", { class: "bar" }, el("span", { class: "brand" }, "fedpet"),
      el("nav", { "aria-label": "Pages" }, el("a", { href: "#/" }, "Results"), el("a", { href: "#/consortium" }, "Consortium"),
        el("a", { href: "#/status" }, "Status"),        el("a", { href: "../../app/explorer.html" }, "Orthanc"))),
    el("aside", { class: "banner", "aria-label": "Research use only" }, kResearchUseOnly), main);
  return main;
}

let visit = 0; // counts the routes taken: an answer that comes after the reader has moved on is dropped

async function route(main: HTMLElement): Promise<void> {
  const mine = ++visit;
  const alive = (): boolean => mine === visit;
  const [, page = "", id = ""] = /^#\/([a-z]*)(?:\/([0-9A-Za-z-]+))?$/.exec(window.location.hash || "#/") ?? [undefined, "?"];
  main.replaceChildren(el("p", { role: "status", class: "loading" }, "Loading…"));
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".bar nav a"))
    if (link.hash === window.location.hash) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  try {
    if (page === "" && !id) await showJobs(main, alive);
    else if (page === "series" && id) await showResult(main, id, alive);
    else if (page === "study" && id) await showStudy(main, id, alive);
    else if (page === "status") await showStatus(main, alive);
    else if (page === "consortium") await showConsortium(main, alive);
    else main.replaceChildren(el("h1", {}, "There is no such page"));
  } catch (error) {
    if (alive()) main.replaceChildren(failure(error));
  }
}

function failure(error: unknown): HTMLElement {
  const known = error instanceof ApiError;
  const again = el("button", { type: "button" }, "Try again");
  again.addEventListener("click", () => void route(document.getElementById("main") as HTMLElement));
  if (!known) console.error(error);
  return el("section", { class: "panel", role: "alert" }, el("h1", {}, "This page cannot be shown"),
    el("p", {}, known ? error.message : "The answer has a form that this page does not know. Reload the page."), again);
}

const main = frame();
window.addEventListener("hashchange", () => void route(main));
// A print has no buttons: what is folded on the screen is open on paper.
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
void route(main);
