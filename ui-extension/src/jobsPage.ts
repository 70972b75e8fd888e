// What fedpet has done and is doing: one row a series.

import { fetchJobs, fetchSeriesOfStudy, Job, retryJob } from "./api";
import { el, facts, scrollBox } from "./dom";
import { clockText, numberText } from "./format";

const kPollMs = 3000;
const kCanRetry = ["failed", "cancelled", "skipped"];

const stateText = (state: string): string => (state ? state.charAt(0).toUpperCase() + state.slice(1) : "Unknown");

function progressText(job: Job): string {
  const percent = job.percent === undefined ? "" : `${numberText(job.percent, 0)}\u202f%`;
  return [job.stage, percent].filter(Boolean).join(", ");
}

function reasonElement(job: Job): HTMLElement | null {
  if (!job.reason?.code && !job.reason?.text) return null;
  return el("span", {}, `${job.reason.text} `, el("code", {}, job.reason.code));
}

function retryButton(job: Job, done: () => void): HTMLElement | null {
  if (!kCanRetry.includes(job.state)) return null;
  const button = el("button", { type: "button", class: "quiet", "data-retry": String(job.id) }, "Try again");
  button.addEventListener("click", () => {
    button.disabled = true;
    retryJob(job.id).then(done, (error: unknown) => {
      button.disabled = false;
      button.after(el("span", { role: "alert", class: "error" }, error instanceof Error ? ` ${error.message}` : " That failed."));
    });
  });
  return button;
}

export function jobCard(job: Job): HTMLElement {
  return el("section", { class: "panel", "aria-label": "Job" }, facts([
    ["State", stateText(job.state)],
    ["Progress", progressText(job)],
    ["Attempt", job.attempt === undefined ? null : numberText(job.attempt, 0)],
    ["Reason", reasonElement(job)],
    ["Last change", job.updatedAt ? clockText(job.updatedAt) : null],
  ]), retryButton(job, () => window.location.reload()));
}

export async function showJobs(root: HTMLElement, alive: () => boolean): Promise<void> {
  document.title = "Results: fedpet";
  const place = el("div");
  root.replaceChildren(el("h1", {}, "Results"), place);
  await keepCurrent(place, alive, fetchJobs, "fedpet has not seen a PET series yet.");
}

// The results of one study. A study with a single finished one opens it at once.
export async function showStudy(root: HTMLElement, studyId: string, alive: () => boolean): Promise<void> {
  document.title = "Results of a study: fedpet";
  const series = await fetchSeriesOfStudy(studyId);
  const jobsOfStudy = async (): Promise<Job[]> =>
    (await fetchJobs()).filter((job) => series.includes(job.orthancSeriesId));
  const finished = (await jobsOfStudy()).filter((job) => job.state === "done");
  if (!alive()) return;
  if (finished.length === 1 && finished[0]) {
    window.location.replace(`#/series/${finished[0].orthancSeriesId}`);
    return;
  }
  const place = el("div");
  root.replaceChildren(el("h1", {}, "Results of this study"), place);
  await keepCurrent(place, alive, jobsOfStudy, "fedpet has no result for this study. It assesses FDG-PET series that are attenuation corrected.");
}

// Draws the list, then again whenever it has changed, as long as the page is shown.
async function keepCurrent(place: HTMLElement, alive: () => boolean, ask: () => Promise<Job[]>, empty: string): Promise<void> {
  let drawn = "";
  const refresh = async (): Promise<void> => {
    const jobs = await ask();
    const text = JSON.stringify(jobs);
    if (!alive() || text === drawn) return;
    drawn = text;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["retry"];
    place.replaceChildren(jobs.length > 0 ? table(jobs, () => void refresh()) : el("p", {}, empty));
    if (focused) place.querySelector<HTMLElement>(`[data-retry="${CSS.escape(focused)}"]`)?.focus();
  };
  await refresh();
  const again = (): void => {
    window.setTimeout(() => {
      if (!alive()) return;
      // A hidden tab asks nothing; an answer that fails now may come the next time.
      if (document.visibilityState === "visible") void refresh().catch(() => undefined).then(again);
      else again();
    }, kPollMs);
  };
  again();
}

function table(jobs: Job[], changed: () => void): HTMLElement {
  const heads = ["Series", "State", "Progress", "Attempt", "Reason", "Last change", "Action"];
  return scrollBox("Table of jobs", el("table", { class: "jobs" },
    el("thead", {}, el("tr", {}, ...heads.map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, ...jobs.map((job) => el("tr", { "data-job": String(job.id) },
      el("th", { scope: "row" }, el("a", { href: `#/series/${encodeURIComponent(job.orthancSeriesId)}` }, job.orthancSeriesId.slice(0, 17))),
      el("td", {}, stateText(job.state)),
      el("td", {}, progressText(job)),
      el("td", { class: "figure" }, job.attempt === undefined ? "" : numberText(job.attempt, 0)),
      el("td", {}, reasonElement(job)),
      el("td", {}, job.updatedAt ? clockText(job.updatedAt) : ""),
      el("td", {}, retryButton(job, changed)))))));
}
