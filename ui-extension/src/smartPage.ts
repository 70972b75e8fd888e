// launch.html: opened by the EHR with iss and launch, by a person with neither, and by the login
// with code and state.

import { el } from "./dom";
import { begin, finish, LaunchError, type Identifier, type SmartConfiguration } from "./smart";

interface Result {
  orthancSeriesId: string;
  scanDate: string; // empty: unknown
}

const main = document.getElementById("main") as HTMLElement;
const kResearchUseOnly = "Research use only. Not a medical device; not for treatment decisions.";

function show(title: string, ...content: HTMLElement[]): void {
  document.title = `${title}: fedpet`;
  main.replaceChildren(el("aside", { class: "banner", "aria-label": "Research use only" }, kResearchUseOnly),
    el("h1", {}, title), ...content);
}

async function configuration(): Promise<SmartConfiguration> {
  const response = await fetch("../smart/configuration", { cache: "no-store" });
  if (!response.ok) throw new LaunchError("fedpet is not set up to be opened from an EHR (option Smart.Issuers).");
  return (await response.json()) as SmartConfiguration;
}

// The identifiers go into the body: an address ends up in logs.
async function resultsOf(identifiers: Identifier[]): Promise<Result[]> {
  const response = await fetch("../smart/results",
    { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ identifiers }) });
  if (!response.ok) throw new LaunchError(`fedpet did not give the results of this patient (status ${response.status}).`);
  return ((await response.json()) as { results: Result[] }).results;
}

function showResults(results: Result[]): void {
  const single = results.length === 1 ? results[0] : undefined;
  if (single) return window.location.replace(`index.html#/series/${single.orthancSeriesId}`);
  if (!results.length) return show("No FDG-PET result", el("p", {}, "fedpet has no result of this patient."));
  show("FDG-PET results of this patient", el("ul", { class: "panel" }, ...results.map((one) =>
    el("li", {}, el("a", { href: `index.html#/series/${one.orthancSeriesId}` }, `FDG-PET of ${one.scanDate || "unknown date"}`)))));
}

// For a person who opens the page without an EHR.
function chooseIssuer(known: SmartConfiguration, go: (issuer: string) => Promise<void>): void {
  show("Open from an EHR", el("ul", { class: "panel" }, ...known.issuers.map(({ issuer }) => {
    const button = el("button", { type: "button" }, issuer);
    button.addEventListener("click", () => void go(issuer).catch(showFailure));
    return el("li", {}, button);
  })));
}

async function run(): Promise<void> {
  const parameters = new URLSearchParams(window.location.search);
  const redirectUri = window.location.origin + window.location.pathname;
  if (parameters.has("state")) {
    window.history.replaceState(null, "", redirectUri); // the code is none of the history's
    return showResults(await resultsOf(await finish(parameters)));
  }
  const known = await configuration();
  const go = async (issuer: string, launch: string | null = null): Promise<void> =>
    window.location.assign(await begin(known, issuer, launch, redirectUri));
  const iss = parameters.get("iss");
  if (iss !== null) return go(iss, parameters.get("launch"));
  const only = known.issuers.length === 1 ? known.issuers[0] : undefined;
  return only ? go(only.issuer) : chooseIssuer(known, go);
}

function showFailure(error: unknown): void {
  if (!(error instanceof LaunchError)) console.error(error);
  show("fedpet cannot be opened", el("section", { class: "panel", role: "alert" },
    el("p", {}, error instanceof LaunchError ? error.message : "The answer has a form that this page does not know.")));
}

show("Opening fedpet", el("p", { role: "status" }, "One moment…"));
run().catch(showFailure);
