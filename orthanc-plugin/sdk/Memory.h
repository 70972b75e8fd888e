// What the Orthanc core allocates and we must give back, as move-only types. Each frees with the
// context it came from; they hand out views, never raw pointers.
#pragma once

#include <orthanc/OrthancCPlugin.h>

#include <string_view>
#include <utility>

namespace fedpet::plugin::sdk {

// A string from Lookup*/Get*Json/GenerateToken. Empty when the core returned null.
class OrthancString {
 public:
  OrthancString(OrthancPluginContext* context, char* text) : context_(context), text_(text) {}
  ~OrthancString() {
    if (text_ != nullptr) OrthancPluginFreeString(context_, text_);
  }
  OrthancString(OrthancString&& other) noexcept
      : context_(other.context_), text_(std::exchange(other.text_, nullptr)) {}
  OrthancString(const OrthancString&) = delete;
  OrthancString& operator=(const OrthancString&) = delete;
  OrthancString& operator=(OrthancString&&) = delete;

  explicit operator bool() const { return text_ != nullptr; }
  std::string_view view() const {
    return text_ == nullptr ? std::string_view{} : std::string_view(text_);
  }

 private:
  OrthancPluginContext* context_;
  char* text_;
};

// The answer of a call to the core. `target()` is filled by the SDK; the core leaves it untouched
// on failure, so it starts empty and an empty buffer is never freed.
class OrthancBuffer {
 public:
  explicit OrthancBuffer(OrthancPluginContext* context) : context_(context) {}
  ~OrthancBuffer() {
    if (buffer_.data != nullptr) OrthancPluginFreeMemoryBuffer(context_, &buffer_);
  }
  OrthancBuffer(OrthancBuffer&& other) noexcept
      : context_(other.context_), buffer_(std::exchange(other.buffer_, {})) {}
  OrthancBuffer(const OrthancBuffer&) = delete;
  OrthancBuffer& operator=(const OrthancBuffer&) = delete;
  OrthancBuffer& operator=(OrthancBuffer&&) = delete;

  OrthancPluginMemoryBuffer* target() { return &buffer_; }
  std::string_view view() const {
    return buffer_.data == nullptr
               ? std::string_view{}
               : std::string_view(static_cast<const char*>(buffer_.data), buffer_.size);
  }

 private:
  OrthancPluginContext* context_;
  OrthancPluginMemoryBuffer buffer_{};
};

}  // namespace fedpet::plugin::sdk
