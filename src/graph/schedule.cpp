#include "graph/schedule.h"

#include <algorithm>
#include <deque>
#include <queue>
#include <unordered_map>

namespace cloister {
namespace {

// How many nodes are looked at to see whether what hangs on one pays: state that is taken apart and
// put together again is a handful.
constexpr size_t kLookAhead = 32;
constexpr size_t kFewUsers = 8;

class Scheduler {
 public:
  Scheduler(const std::vector<Node>& nodes, const std::vector<Value>& values)
      : nodes_(nodes),
        values_(values),
        users_(values.size()),
        uses_left_(values.size(), 0),
        waiting_for_(nodes.size(), 0),
        growth_(nodes.size(), 0),
        is_placed_(nodes.size(), false) {
    std::vector<bool> is_made(values.size(), false);
    for (const Node& node : nodes) {
      for (const ValueId id : node.outputs) is_made[id] = true;
    }
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      for (const ValueId id : nodes[i].inputs) {
        users_[id].push_back(i);
        ++uses_left_[id];
        if (is_made[id]) ++waiting_for_[i];
      }
    }
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      for (const ValueId id : nodes[i].outputs) growth_[i] += weight(id);
      for (const ValueId id : nodes[i].inputs) growth_[i] -= uses_left_[id] == 1 ? weight(id) : 0;
    }
  }

  std::vector<uint32_t> order() {
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      if (waiting_for_[i] > 0) continue;
      queue_.emplace(0, i);
      consider(i);
    }
    while (order_.size() < nodes_.size()) {
      const uint32_t next = take();
      if (!is_placed_[next]) place(next);
    }
    return std::move(order_);
  }

 private:
  template <typename Key>
  using Counts = std::unordered_map<Key, uint32_t>;
  // By how much more is alive behind them, then by their place in the file.
  using Entry = std::pair<int64_t, uint32_t>;
  using Queue = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;

  uint32_t take() {
    uint32_t next = 0;
    if (moved_.empty()) {
      next = queue_.top().second;
      queue_.pop();
    } else {
      next = moved_.front();
      moved_.pop_front();
    }
    return next;
  }

  void place(uint32_t index) {
    is_placed_[index] = true;
    order_.push_back(index);
    for (const ValueId id : nodes_[index].inputs) {
      if (--uses_left_[id] != 1) continue;
      // Its last user would end it.
      for (const uint32_t user : users_[id]) {
        if (is_placed_[user]) continue;
        growth_[user] -= weight(id);
        if (waiting_for_[user] == 0) consider(user);
      }
    }
    for (const ValueId id : nodes_[index].outputs) {
      for (const uint32_t user : users_[id]) {
        if (--waiting_for_[user] > 0) continue;
        queue_.emplace(0, user);
        consider(user);
      }
    }
  }

  // Moves a ready node up: alone, with those that hang on it, or with all that use the same
  // input.
  void consider(uint32_t index) {
    if (growth_[index] < 0) {
      queue_.emplace(growth_[index], index);
      return;
    }
    if (moves({index})) return;
    for (const ValueId id : nodes_[index].inputs) {
      if (!values_[id].is_input || users_[id].size() > kFewUsers) continue;
      std::vector<uint32_t> group;
      for (const uint32_t user : users_[id]) {
        if (!is_placed_[user]) group.push_back(user);
      }
      const auto is_ready = [&](uint32_t user) { return waiting_for_[user] == 0; };
      if (group.size() > 1 && std::ranges::all_of(group, is_ready) && moves(std::move(group))) {
        return;
      }
    }
  }

  // Whether these ready nodes, with as many of those that hang on them as are needed, leave less
  // alive. They are then to come next.
  bool moves(std::vector<uint32_t> group) {
    Counts<uint32_t> met;   // inputs that the group makes, by the node that uses them
    Counts<ValueId> ended;  // uses by the group
    int64_t growth = 0;
    for (size_t i = 0; i < group.size(); ++i) {
      const Node& node = nodes_[group[i]];
      if (node.inputs.size() + node.outputs.size() > kLookAhead) return false;
      for (const ValueId id : node.outputs) growth += weight(id);
      for (const ValueId id : node.inputs) {
        if (++ended[id] == uses_left_[id]) growth -= weight(id);
      }
      if (growth < 0) {
        moved_.insert(moved_.end(), group.begin(), group.begin() + static_cast<ptrdiff_t>(i) + 1);
        return true;
      }
      for (const ValueId id : node.outputs) {
        for (const uint32_t user : users_[id]) {
          if (met.size() >= kLookAhead) return false;
          if (++met[user] == waiting_for_[user]) group.push_back(user);
        }
      }
    }
    return false;
  }

  // What a boundary pays for it. One that carries an input exposes it.
  int64_t weight(ValueId id) const {
    const Value& value = values_[id];
    if (value.is_constant || value.is_shape_only || uses_left_[id] == 0) return 0;
    return value.is_input ? 2 : 1;
  }

  const std::vector<Node>& nodes_;
  const std::vector<Value>& values_;
  std::vector<std::vector<uint32_t>> users_;  // by ValueId
  std::vector<uint32_t> uses_left_;           // by ValueId
  std::vector<uint32_t> waiting_for_;         // by node: inputs that are not made yet
  std::vector<int64_t> growth_;               // by node: live tensors after it, less those before
  std::vector<bool> is_placed_;
  Queue queue_;                 // nodes that are ready, maybe placed since
  std::deque<uint32_t> moved_;  // groups that come before those, in an order that runs
  std::vector<uint32_t> order_;
};

}  // namespace

std::vector<uint32_t> narrow_order(const std::vector<Node>& nodes,
                                   const std::vector<Value>& values) {
  return Scheduler(nodes, values).order();
}

}  // namespace cloister
