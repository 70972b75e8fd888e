#include "net/NetError.h"

namespace fedpet::net {

std::string_view toString(NetError::Kind kind) {
  switch (kind) {
    case NetError::Kind::Resolve:
      return "Resolve";
    case NetError::Kind::Connect:
      return "Connect";
    case NetError::Kind::Tls:
      return "Tls";
    case NetError::Kind::Proxy:
      return "Proxy";
    case NetError::Kind::Timeout:
      return "Timeout";
    case NetError::Kind::TooLarge:
      return "TooLarge";
    case NetError::Kind::Protocol:
      return "Protocol";
    case NetError::Kind::Cancelled:
      return "Cancelled";
  }
  return "Unknown";
}

}  // namespace fedpet::net
