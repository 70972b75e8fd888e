// One HTTP request that Orthanc handed to us, and its answer.
#pragma once

#include "orthanc-plugin/Http.h"
#include "orthanc-plugin/sdk/Context.h"

#include <orthanc/OrthancCPlugin.h>

namespace fedpet::plugin::sdk {

// Copies the request into our own words: the SDK's pointers die with the callback.
HttpRequest readRequest(const char* url, const OrthancPluginHttpRequest* request);

// Sends the answer. Throws std::length_error when the body does not fit the SDK's 32-bit size.
void answer(const Context&, OrthancPluginRestOutput* output, const HttpResponse&);

}  // namespace fedpet::plugin::sdk
