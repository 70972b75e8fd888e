#include <memory>

#include "tests/support/InMemoryOutboxStore.h"
#include "tests/support/OutboxStoreContract.h"

namespace fedpet::testing {
namespace {

struct InMemoryOutboxes {
  std::unique_ptr<fhir::OutboxStore> open() {
    return std::make_unique<InMemoryOutboxStore>(storage);
  }
  std::shared_ptr<InMemoryOutboxStore::Storage> storage =
      std::make_shared<InMemoryOutboxStore::Storage>();
};

INSTANTIATE_TYPED_TEST_SUITE_P(InMemory, OutboxStoreContract, InMemoryOutboxes);

}  // namespace
}  // namespace fedpet::testing
