// What fedpet has done and is doing: one row a job, newest first.

import {
  explorerAddress, fetchJobs, fetchSeriesOfStudy, fetchStudies, Job, JobPage, retryJob, StudySummary,
} from "./api";
import { el, facts, scrollBox } from "./dom";
import { clockText, dicomDate, numberText, personName } from "./format";

const kPollMs = 3000;
const kStates = ["waiting", "running", "done", "failed", "skipped", "cancelled"];

export const isEnded = (job: Job): boolean => job.state !== "waiting" && job.state !== "running";

const stateText = (job: Job): string => job.state.charAt(0).toUpperCase() + job.state.slice(1);

function progressText(job: Job): string {
  return job.state === "running" ? `${job.stage || "starting"}, ${numberText(job.percent, 0)}\u202f%` : "";
}

function reasonElement(job: Job): HTMLElement | null {
  return job.reason && el("span", {}, `${job.reason.text} `, el("code", {}, job.reason.code));
}

// A button that asks the plugin for something, and says so when it refuses.
export function actionButton(title: string, act: () => Promise<void>, done: () => void): HTMLElement {
  const button = el("button", { type: "button", class: "quiet" }, title);
  const answer = el("span", { role: "alert", class: "error" });
  button.addEventListener("click", () => {
    button.disabled = true;
    answer.textContent = "";
    act().then(done, (error: unknown) => {
      button.disabled = false;
      answer.textContent = ` ${error instanceof Error ? error.message : "That failed."}`;
    });
  });
  return el("span", {}, button, answer);
}

function retryButton(job: Job, done: () => void): HTMLElement | null {
  if (!isEnded(job) || job.state === "done") return null;
  const action = actionButton("Try again", () => retryJob(job.id), done);
  action.querySelector("button")?.setAttribute("data-retry", String(job.id));
  return action;
}

export function jobCard(job: Job, changed: () => void): HTMLElement {
  return el("section", { class: "panel", "aria-label": "Job" }, facts([
    ["State", stateText(job)],
    ["Progress", progressText(job)],
    ["Attempt", numberText(job.attempt, 0)],
    ["Reason", reasonElement(job)],
    ["Last change", `${clockText(job.updatedAt)} UTC`],
  ]), retryButton(job, changed));
}

export async function showJobs(root: HTMLElement, alive: () => boolean): Promise<void> {
  document.title = "Results: fedpet";
  const filter = el("select", { id: "state-filter" }, el("option", { value: "" }, "all"),
    ...kStates.map((state) => el("option", { value: state }, state)));
  let shown = 0;
  const place = el("div");
  const show = (): Promise<void> => {
    const mine = ++shown, state = filter.value;
    return keepCurrent(place, () => alive() && mine === shown, (before) => fetchJobs({ state, ...before }),
      state ? `There is no ${state} job.` : "fedpet has not seen a PET series yet.");
  };
  filter.addEventListener("change", () => void show().catch(() => undefined));
  root.replaceChildren(el("h1", {}, "Results"),
    el("p", { class: "filter" }, el("label", { for: "state-filter" }, "State "), filter), place);
  await show();
}

// The results of one study. A study with a single finished one opens it at once.
export async function showStudy(root: HTMLElement, studyId: string, alive: () => boolean): Promise<void> {
  document.title = "Results of a study: fedpet";
  const series = await fetchSeriesOfStudy(studyId);
  const jobsOfStudy = async (): Promise<JobPage> => {
    const pages = await Promise.all(series.map((id) => fetchJobs({ series: id })));
    return { jobs: pages.flatMap((page) => page.jobs).sort((a, b) => b.id - a.id), nextBefore: null };
  };
  const finished = new Set((await jobsOfStudy()).jobs.filter((job) => job.state === "done").map((job) => job.orthancSeriesId));
  if (!alive()) return;
  const [only] = finished;
  if (finished.size === 1 && only) {
    window.location.replace(`#/series/${only}`);
    return;
  }
  const place = el("div");
  root.replaceChildren(el("h1", {}, "Results of this study"),
    el("p", {}, el("a", { href: explorerAddress("study", studyId) }, "Study in Orthanc")), place);
  await keepCurrent(place, alive, jobsOfStudy,
    "fedpet has no result for this study. It assesses original, attenuation-corrected FDG-PET series.");
}

// Draws the newest jobs, then again whenever they have changed, as long as the page is shown. Older
// ones are fetched by a button, and do not change any more.
async function keepCurrent(place: HTMLElement, alive: () => boolean, ask: (before: { before?: number }) => Promise<JobPage>,
                           empty: string): Promise<void> {
  const newest = el("div"), older = el("div");
  let drawn = "";
  const refresh = async (): Promise<void> => {
    const page = await ask({});
    const text = JSON.stringify(page.jobs);
    if (!alive() || text === drawn) return;
    const rows = page.jobs.length > 0 ? await table(page.jobs, () => void refresh()) : el("p", {}, empty);
    if (!alive()) return;
    if (drawn === "") {
      place.replaceChildren(newest, older);
      offerOlder(older, page.nextBefore, ask);
    }
    drawn = text;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["retry"];
    newest.replaceChildren(rows);
    if (focused) newest.querySelector<HTMLElement>(`[data-retry="${CSS.escape(focused)}"]`)?.focus();
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

function offerOlder(place: HTMLElement, before: number | null, ask: (before: { before?: number }) => Promise<JobPage>): void {
  if (before === null) return;
  const next = el("div");
  const button = actionButton("Older results", async () => {
    const page = await ask({ before });
    button.replaceWith(page.jobs.length > 0 ? await table(page.jobs, () => undefined) : "");
    offerOlder(next, page.nextBefore, ask);
  }, () => undefined);
  place.replaceChildren(button, next);
}

// Who and what a job is about. Orthanc may not let this user ask: then its identifier has to do.
async function studiesOf(jobs: Job[]): Promise<Map<string, StudySummary>> {
  const ids = [...new Set(jobs.map((job) => job.orthancStudyId).filter(Boolean))];
  const found = await fetchStudies(ids).catch(() => [] as StudySummary[]);
  return new Map(found.map((study) => [study.ID, study]));
}

function subjectOf(job: Job, study: StudySummary | undefined): HTMLElement {
  const href = `#/series/${encodeURIComponent(job.orthancSeriesId)}`;
  if (!study) return el("a", { href }, `Series ${job.orthancSeriesId.slice(0, 17)}`);
  const { PatientName = "", PatientID = "" } = study.PatientMainDicomTags ?? {};
  const { StudyDate = "", StudyDescription = "" } = study.MainDicomTags;
  return el("span", {}, el("a", { href }, personName(PatientName)),
    el("span", { class: "short subject" }, [PatientID, dicomDate(StudyDate), StudyDescription].filter(Boolean).join(" / ")));
}

async function table(jobs: Job[], changed: () => void): Promise<HTMLElement> {
  const studies = await studiesOf(jobs);
  const heads = ["Patient and study", "State", "Progress", "Attempt", "Reason", "Last change (UTC)", "Action"];
  return el("section", { class: "panel", "aria-label": "Jobs" }, scrollBox("Table of jobs", el("table", { class: "jobs" },
    el("thead", {}, el("tr", {}, ...heads.map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, ...jobs.map((job) => el("tr", { "data-job": job.id },
      el("th", { scope: "row" }, subjectOf(job, studies.get(job.orthancStudyId))),
      el("td", {}, stateText(job)),
      el("td", { class: "progress" }, progressText(job)),
      el("td", { "data-title": "Attempt" }, numberText(job.attempt, 0)),
      el("td", {}, reasonElement(job)),
      el("td", { class: "time", "data-title": "Last change (UTC)" }, clockText(job.updatedAt)),
      el("td", {}, retryButton(job, changed))))))));
}
