#include "orthanc-plugin/Intake.h"

#include <algorithm>

namespace fedpet::plugin {
namespace {

constexpr int kPage = 1000;
// Beyond StableAge: Orthanc counts whole seconds and looks ten times a second; a loaded machine
// may be later.
constexpr Seconds kStabilityMargin{5};
// The settled mark may lag without harm (a restart then reads a little more), but must never lead.
constexpr Seconds kSettledMargin{60};

}  // namespace

Intake::Intake(Archive& archive, Ledger& ledger, IntakeSettings settings, Clock clock, Log log)
    : archive_(archive),
      ledger_(ledger),
      settings_(std::move(settings)),
      now_(std::move(clock)),
      log_(std::move(log)) {}

void Intake::begin() {
  const std::string identity = archive_.identity();
  const std::int64_t last = archive_.lastSequence();
  const auto stored = ledger_.position();
  if (stored && stored->archiveId == identity && last >= stored->sequence) {
    position_ = *stored;
    // Read again what may hold instances of series that were never announced.
    cursor_ = std::min(position_.sequence, position_.settledSequence);
    rescanUntil_ = last;
  } else if (stored && stored->archiveId == identity) {
    log_(LogLevel::Warning, "the log of changes of Orthanc was cleared; reading it from its start");
    position_ = {identity, 0, 0};
    cursor_ = 0;
    rescanUntil_ = last;
  } else {
    const std::int64_t start = settings_.options.fromNow ? last : 0;
    if (stored)
      log_(LogLevel::Warning, "the database of Orthanc was replaced; starting anew with it");
    if (last > 0)
      log_(LogLevel::Warning,
           start > 0 ? "first start on this archive: what it already holds is left alone "
                       "(Intake.FromNow is true)"
                     : "first start on this archive: every PET series is looked at");
    position_ = {identity, start, start};
    cursor_ = start;
    rescanUntil_ = start;
    IntakeBatch batch;
    batch.position = position_;
    ledger_.apply(batch, settings_.retry, now_());
  }
  marks_.clear();
}

Intake::StepResult Intake::step() {
  const ChangesPage page = archive_.changesAfter(cursor_, kPage);
  if (page.changes.empty()) return {};
  IntakeBatch batch;
  for (const ArchiveChange& change : page.changes) {
    switch (change.kind) {
      case ArchiveChange::Kind::NewSeries:
        noteArrival(change.resourceId, batch);
        // Deleted and sent again: its content may be an old one, but it has no result any more.
        if (change.sequence > position_.sequence) batch.reborn.push_back(change.resourceId);
        break;
      case ArchiveChange::Kind::NewInstance:
        if (change.sequence <= rescanUntil_)
          if (const auto series = archive_.seriesOfInstance(change.resourceId))
            noteArrival(*series, batch);
        break;
      case ArchiveChange::Kind::StableSeries:
        judge(change.resourceId, "stable", batch);
        break;
      case ArchiveChange::Kind::Other:
        break;
    }
  }
  const IntakePosition next = advancedTo(page.last);
  batch.position = next;
  StepResult result = store(batch);
  position_ = next;
  cursor_ = page.last;
  result.more = !page.done;
  return result;
}

Intake::StepResult Intake::sweep() {
  const UtcTime now = now_();
  const Seconds patience = settings_.stableAge + kStabilityMargin;
  IntakeBatch batch;
  for (const PendingSeries& pending : ledger_.pendingSeries()) {
    // After a restart everything counts as stable at once, also what a scanner is about to send
    // again. Reading the log again has set `noticedAt` to the restart, so it has its time.
    if (pending.noticedAt + patience > now) continue;
    try {
      const auto stable = archive_.isStable(pending.seriesId);
      if (!stable)
        batch.settled.push_back(pending.seriesId);  // deleted meanwhile
      else if (*stable)
        judge(pending.seriesId, "reconciled", batch);
    } catch (const ArchiveError& e) {
      log_(LogLevel::Warning, "series " + pending.seriesId + ": " + e.what());
    }
  }
  if (batch.settled.empty() && batch.jobs.empty()) return {};
  return store(batch);
}

Intake::StepResult Intake::forgetDeleted(const std::vector<std::string>& seriesIds) {
  StepResult result;
  for (const std::string& id : seriesIds) {
    if (archive_.isStable(id)) continue;  // it has come back meanwhile
    const auto workers = ledger_.forget(id, now_());
    result.workers.insert(result.workers.end(), workers.begin(), workers.end());
  }
  return result;
}

// Within one batch the later word wins: the ledger takes `settled` after `arriving`.
void Intake::noteArrival(const std::string& seriesId, IntakeBatch& batch) {
  std::erase(batch.settled, seriesId);
  if (std::find(batch.arriving.begin(), batch.arriving.end(), seriesId) == batch.arriving.end())
    batch.arriving.push_back(seriesId);
}

void Intake::judge(const std::string& seriesId, const char* trigger, IntakeBatch& batch) {
  std::optional<SeriesFacts> facts;
  try {
    facts = archive_.seriesFacts(seriesId);
  } catch (const ArchiveError& e) {
    // One unreadable series must not hold up all others: sweep() comes back to it.
    log_(LogLevel::Warning, "series " + seriesId + ": " + e.what());
    noteArrival(seriesId, batch);
    return;
  }
  if (facts && !facts->stable) {
    noteArrival(seriesId, batch);  // growing again: its next announcement is on the way
    return;
  }
  batch.settled.push_back(seriesId);
  if (!facts || facts->modality != "PT") return;  // our own SR and SEG end here as well
  NewJob job{seriesId, facts->studyId, facts->seriesInstanceUid, facts->fingerprint, trigger, {}};
  if (const auto refusal = reasonToSkip(*facts, settings_.eligibility))
    job.skip = Reason{std::string(toString(refusal->code)), refusal->detail};
  // The log may announce a series twice in one page; its content is the same both times.
  std::erase_if(batch.jobs, [&](const NewJob& other) { return other.seriesId == seriesId; });
  batch.jobs.push_back(std::move(job));
}

IntakePosition Intake::advancedTo(std::int64_t sequence) {
  const UtcTime now = now_();
  marks_.push_back({now, sequence});
  IntakePosition next = position_;
  next.sequence = std::max(next.sequence, sequence);
  const UtcTime settledBefore = now - settings_.stableAge - kSettledMargin;
  while (!marks_.empty() && marks_.front().at <= settledBefore) {
    next.settledSequence = std::max(next.settledSequence, marks_.front().sequence);
    marks_.pop_front();
  }
  return next;
}

Intake::StepResult Intake::store(const IntakeBatch& batch) {
  StepResult result;
  result.workers = ledger_.apply(batch, settings_.retry, now_());
  result.newJobs = !batch.jobs.empty();
  for (const NewJob& job : batch.jobs)
    log_(LogLevel::Info, "series " + job.seriesId + ": " +
                             (job.skip ? "skipped, " + job.skip->code : "to be assessed"));
  return result;
}

}  // namespace fedpet::plugin
