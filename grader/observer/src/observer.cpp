// Looks at every operator of libtorch before it computes, in every thread, by whatever name, language or composite it was
// reached, and ends the process at one that the operation being served asks to write.
//
// It ends the process instead of throwing: nothing is there that could catch, and no operator that is forbidden ever gives
// a result. Nothing takes the observer off again: libtorch keeps it for the life of the process.

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bitset>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

struct Operation {
  const char *name;
  std::vector<std::string_view> families;
};

// OPERATIONS, their COUNT, EXIT_CODE and LINE, as build.rs read them.
#include "operations.inc"

// The operations that an operator is forbidden in.
using Forbidden = std::bitset<COUNT>;

Forbidden forbidden_in(std::string_view name) {
  Forbidden forbidden;
  for (std::size_t i = 0; i < COUNT; ++i)
    for (std::string_view family : OPERATIONS[i].families)
      if (name.find(family) != std::string_view::npos)
        forbidden.set(i);
  return forbidden;
}

// All operators that there are, made once before the first request, and then only read: callbacks run in all threads, and
// while threads end.
using Known = std::unordered_map<std::string_view, Forbidden>;
const Known *known = nullptr;

std::atomic<std::size_t> served{COUNT};
std::atomic<std::size_t> seen{0};

[[noreturn]] void hit(const char *name) {
  const std::size_t operation = served;
  char line[512];
  const int length =
      std::snprintf(line, sizeof line, "\n%s%s in %s\n", LINE, name,
                    operation < COUNT ? OPERATIONS[operation].name : "*");
  const std::size_t end = std::min<std::size_t>(length, sizeof line - 1);
  for (std::size_t start = 0; start < end;) {
    const ssize_t written = write(STDERR_FILENO, line + start, end - start);
    if (written <= 0)
      break;
    start += written;
  }
  _exit(EXIT_CODE);
}

std::unique_ptr<at::ObserverContext> look(const at::RecordFunction &function) {
  seen.fetch_add(1, std::memory_order_relaxed);
  if (function.scope() != at::RecordScope::FUNCTION)
    hit("TorchScript");
  const std::size_t operation = served.load(std::memory_order_acquire);
  if (operation >= COUNT)
    return nullptr;
  const auto found = known->find(function.name());
  const bool is_forbidden = found != known->end()
                                ? found->second[operation]
                                : forbidden_in(function.name())[operation];
  if (is_forbidden)
    hit(function.name());
  return nullptr;
}

} // namespace

extern "C" {

// Starts to look; false where libtorch does not tell of its operators. To be called once, before any other thread runs.
bool observer_start() {
  auto *all = new Known;
  for (const auto &operation : c10::Dispatcher::singleton().getAllOpNames()) {
    const auto *name = new std::string(operation.name);
    all->emplace(*name, forbidden_in(*name));
  }
  known = all;
  at::addGlobalCallback(at::RecordFunctionCallback(look).scopes(
      {at::RecordScope::FUNCTION, at::RecordScope::TORCHSCRIPT_FUNCTION,
       at::RecordScope::LITE_INTERPRETER}));
  at::zeros({1});
  return seen > 0;
}

// Has this process end at once when it exits: after all output is written, without libtorch's clean-up, which takes a tenth of
// a second for what the kernel frees anyway. What is registered last is called first.
void observer_end_at_once() {
#ifdef __GLIBC__
  on_exit(
      [](int status, void *) {
        std::fflush(nullptr);
        _exit(status);
      },
      nullptr);
#endif
}

// From here on, what the operation of this number forbids is forbidden, until the next one is served.
void observer_serve(std::size_t operation) {
  served.store(operation, std::memory_order_release);
}
}
