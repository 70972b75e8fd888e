#include "net/Url.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace fedpet::net {
namespace {

TEST(ParseUrl, FillsInThePortOfTheScheme) {
  EXPECT_EQ(parseUrl("http://ehr.example/fhir").port, 80);
  EXPECT_EQ(parseUrl("HTTPS://EHR.Example/fhir").port, 443);
  EXPECT_EQ(parseUrl("HTTPS://EHR.Example/fhir").host, "ehr.example");
  EXPECT_EQ(parseUrl("https://ehr.example:8443/fhir/r4/").port, 8443);
  EXPECT_EQ(parseUrl("https://ehr.example:8443/fhir/r4/").path, "/fhir/r4/");
  EXPECT_EQ(parseUrl("https://ehr.example").path, "/");
}

TEST(ParseUrl, WritesTheAuthorityForTheHostHeader) {
  EXPECT_EQ(parseUrl("http://ehr.example:80/").authority(), "ehr.example");
  EXPECT_EQ(parseUrl("https://ehr.example:80/").authority(), "ehr.example:80");
  EXPECT_EQ(parseUrl("http://[::1]:8042/").host, "::1");
  EXPECT_EQ(parseUrl("http://[::1]:8042/").authority(), "[::1]:8042");
}

TEST(ParseUrl, RefusesWhatItCannotMean) {
  for (const char* text :
       {"", "ehr.example", "/fhir", "ftp://ehr.example/", "http://", "http:///fhir",
        "http://ehr.example:0/", "http://ehr.example:65536/", "http://ehr.example:x/",
        "http://ehr.example/?a=1", "http://ehr.example/#part", "http://ehr example/",
        "http://ehr.example/a b", "http://ehr.example/\r\nX: 1", "http://[::1/"})
    EXPECT_THROW(parseUrl(text), std::invalid_argument) << text;
}

TEST(ParseUrl, DoesNotRepeatAPassword) {
  for (const char* text : {"http://anna:secret@ehr.example/", "http://anna:secret@ehr.example/ "})
    try {
      parseUrl(text);
      FAIL() << text;
    } catch (const std::invalid_argument& e) {
      EXPECT_EQ(std::string(e.what()).find("secret"), std::string::npos) << e.what();
    }
}

// RFC 3986, 2.3: unreserved = ALPHA DIGIT - . _ ~
TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(percentEncode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percentEncode("urn:oid:1.2|P 1&x=\xc3\xa9/?#%"),
            "urn%3Aoid%3A1.2%7CP%201%26x%3D%C3%A9%2F%3F%23%25");
}

}  // namespace
}  // namespace fedpet::net
