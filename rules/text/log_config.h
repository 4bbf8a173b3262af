#pragma once

#include <cstdint>
#include <string>

namespace sluice {

/// The gateway's own log: `log:` of sluice.yaml.
struct LogConfig {
  std::string origin;                    ///< its name; empty: HOST/sluice, as of the day its key was made
  std::string key;                       ///< file; empty: log.key in the state folder
  std::string folder;                    ///< what is public; empty: log/ in the state folder
  std::string listen;                    ///< ADDRESS:PORT to serve it on; empty: not served by sluiced
  std::string tls_certificate, tls_key;  ///< PEM files; empty: plain HTTP
};

}  // namespace sluice
