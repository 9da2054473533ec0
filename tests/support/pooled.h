// Workers behind HTTP, for a pool.
#pragma once

#include "link/http_link.h"
#include "tee/worker_pool.h"

namespace cloister::test {

inline std::vector<serving::PooledWorker> pooled(const std::vector<net::Url>& urls,
                                                 const TensorSpecs& specs) {
  std::vector<serving::PooledWorker> workers;
  for (const net::Url& url : urls) {
    workers.push_back(
        {fmt::format("{}:{}", url.host, url.port),
         std::make_unique<HttpLink>(HttpLinkOptions{.model = url}, WorkerModel{specs})});
  }
  return workers;
}

}  // namespace cloister::test
