// Models and figures that the consortium released, each in a folder named by the hash of its signed
// document: releases/<hash>/release.cbor, result.json and the files it names.
#pragma once

#include "federation/site/BlobTransfer.h"
#include "federation/site/Identity.h"
#include "federation/site/SiteStore.h"

namespace fedpet::federation {

class ReleaseShelf {
 public:
  // All borrowed.
  ReleaseShelf(SiteStore& store, CoordinatorLink& link, BlobTransfer& blobs,
               const Enrolment& enrolment, const SiteFiles& files)
      : store_(store), link_(link), blobs_(blobs), enrolment_(enrolment), files_(files) {}

  // Fetches, checks and stores it, unless it is here. True: it is new. Throws as BlobTransfer
  // does; WireError also for a signature or hash that is wrong.
  bool fetch(const std::string& hash, std::stop_token);

 private:
  SiteStore& store_;
  CoordinatorLink& link_;
  BlobTransfer& blobs_;
  const Enrolment& enrolment_;
  const SiteFiles& files_;
};

}  // namespace fedpet::federation
