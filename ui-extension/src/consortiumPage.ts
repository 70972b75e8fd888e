// This hospital's place in a consortium: what it was asked to compute, who has decided, what it cost.

import { decidePlan, enrol, fetchMembership, fetchPlanText, Membership, TrainingPlan } from "./api";
import { bullets, el, facts } from "./dom";
import { clockText, numberText } from "./format";
import { actionButton } from "./jobsPage";

const timeText = (time: string | null | undefined): string => (time ? `${clockText(time)} UTC` : "never");

const kMasking: Record<string, string> = {
  none: "off: the coordinator sees this site's own numbers",
  ring64: "on: the coordinator sees sums over at least three sites",
  ring32: "on, 32 bits: the coordinator sees sums over at least three sites",
};

export async function showConsortium(root: HTMLElement, alive: () => boolean): Promise<void> {
  document.title = "Consortium: fedpet";
  const place = el("div");
  const refresh = async (): Promise<void> => {
    const membership = await fetchMembership();
    if (alive()) place.replaceChildren(...contentOf(membership, () => void refresh()));
  };
  await refresh();
  if (alive()) root.replaceChildren(el("h1", {}, "Consortium"), place);
}

function contentOf(m: Membership, changed: () => void): HTMLElement[] {
  if (!m.configured)
    return [el("p", {}, "This site takes part in no consortium. To join one, set ", el("code", {}, "FedPet.Federation.Folder"),
      " in Orthanc's configuration and restart.")];
  if (!m.enrolled) return [enrolmentForm(changed)];
  const plans = m.plans ?? [];
  return [
    el("section", { class: "panel", "aria-label": "Membership" }, facts([
      ["Consortium", m.consortium ?? ""],
      ["This site", m.site ?? ""],
      ["Coordinator", m.coordinatorUrl ?? ""],
      ["Last contact", timeText(m.lastContact)],
      ["Problem", m.lastProblem ? el("strong", {}, m.lastProblem) : ""],
      ["Certificate ends", timeText(m.certificateEnds)],
      ["Privacy budget", budgetText(m)],
      ["Working on", m.working ?? ""],
    ])),
    el("h2", {}, "Training plans"),
    ...(plans.length > 0 ? plans.map((plan) => planElement(plan, changed)) : [el("p", {}, "No plan was proposed yet.")]),
    el("h2", {}, "Rounds"),
    m.rounds && m.rounds.length > 0 ? bullets(m.rounds) : el("p", {}, "This site has taken part in no round yet."),
  ];
}

function budgetText(m: Membership): string {
  const spent = numberText(m.epsilonSpent ?? 0, 2);
  return m.epsilonAllowed ? `epsilon ${spent} of ${numberText(m.epsilonAllowed, 2)} spent` : "none granted: plans with noise cannot be approved";
}

function enrolmentForm(changed: () => void): HTMLElement {
  const text = el("textarea", { id: "invitation", rows: 5, spellcheck: "false", autocomplete: "off" });
  return el("section", { class: "panel", "aria-label": "Enrolment" },
    el("p", {}, "This site is not enrolled yet. Paste the invitation that the consortium's administrator gave you. ",
      "The key is made on this machine and never leaves it."),
    el("p", {}, el("label", { for: "invitation" }, "Invitation"), el("br"), text),
    actionButton("Enrol", () => enrol(text.value.trim()), changed));
}

function planElement(plan: TrainingPlan, changed: () => void): HTMLElement {
  return el("section", { class: "panel", "aria-label": plan.title, "data-plan": plan.hash },
    el("h3", {}, plan.title),
    facts([
      ["Purpose", plan.purpose],
      ["Task", plan.task],
      ["Masking", kMasking[plan.masking] ?? plan.masking],
      ["Privacy", plan.epsilonPlanned > 0
        ? `epsilon ${numberText(plan.epsilonSpent, 2)} of ${numberText(plan.epsilonPlanned, 2)} spent, delta ${plan.delta}` : "no noise is added"],
      ["Hash", el("code", { class: "hash" }, plan.hash)],
      ["Decision", decisionText(plan)],
    ]),
    plan.policyObjections.length > 0
      ? el("div", { class: "objections" }, el("p", {}, "This site's policy objects:"), bullets(plan.policyObjections)) : null,
    wholePlan(plan),
    plan.decision ? null : decisionForm(plan, changed));
}

function decisionText(plan: TrainingPlan): string {
  if (!plan.decision) return "waits for a person";
  const { approved, by, reason, time } = plan.decision;
  return `${approved ? "approved" : "rejected"} by ${by}, ${timeText(time)}${reason ? `: ${reason}` : ""}`;
}

function wholePlan(plan: TrainingPlan): HTMLElement {
  const text = el("pre", {}, "Loading…");
  const details = el("details", {}, el("summary", {}, "The whole plan"), text);
  details.addEventListener("toggle", () => {
    if (!details.open || details.dataset["loaded"]) return;
    details.dataset["loaded"] = "yes";
    fetchPlanText(plan.hash).then((json) => { text.textContent = json; }, (error: unknown) => {
      delete details.dataset["loaded"];
      text.textContent = error instanceof Error ? error.message : "It cannot be shown.";
    });
  });
  return details;
}

function decisionForm(plan: TrainingPlan, changed: () => void): HTMLElement {
  const field = (name: string, title: string): [HTMLElement, HTMLInputElement] => {
    const id = `${name}-${plan.hash.slice(0, 16)}`, input = el("input", { id, type: "text", maxlength: 200, autocomplete: "off" });
    return [el("p", {}, el("label", { for: id }, `${title} `), input), input];
  };
  const [byRow, by] = field("by", "Your name"), [reasonRow, reason] = field("reason", "Reason (not needed)");
  const decide = (approve: boolean) => async (): Promise<void> => {
    if (by.value.trim() === "") throw new Error("Write your name: the decision is signed and kept with it.");
    await decidePlan(plan.hash, approve, by.value.trim(), reason.value.trim());
  };
  return el("div", { class: "decision" }, byRow, reasonRow,
    plan.policyObjections.length === 0 ? actionButton("Approve", decide(true), changed) : null, " ",
    actionButton("Reject", decide(false), changed));
}
