#include "profile/profile.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/checked.h"
#include "graph/cut_id.h"
#include "profile/interpolate.h"
#include "profile/kernel_times.h"
#include "profile/link.h"
#include "profile/work.h"

namespace cloister::profile {
namespace {

constexpr int kLinkRounds = 30;
constexpr uint64_t kMostOnLink = 128 << 20;  // a worker takes requests of up to 256 MiB

struct MemoryOfCut {
  Memory head;
  Memory tail;
};

Timing scaled(const Timing& time, double unit) {
  return {time.ms * unit, time.low * unit, time.high * unit};
}

// One profile being made.
class Profiler {
 public:
  Profiler(const Graph& graph, const CutList& cuts, Engines engines, const ProfileOptions& options,
           const MemoryProbe& memory_of, ProfileRecord frame, const ProgressCallback& tick)
      : graph_(graph),
        list_(cuts),
        engines_(std::move(engines)),
        options_(options),
        memory_of_(memory_of),
        record_(std::move(frame)),
        tick_(tick) {}

  Result<ProfileRecord> run() {
    record_.settings = options_.settings;
    TRY_OK(choose_cuts());
    TRY_OK(tick_(0, "how the time divides"));
    TRY_OK(trace());
    choose_anchors();
    TRY_OK(tick_(0.05, "the whole model"));
    TRY(watch, Stopwatch::make(graph_, engines_.trusted, options_.settings));
    TRY_OK(find_devices(watch));
    TRY_OK(measure_cuts(watch));
    TRY_OK(fill_wholes(watch));
    TRY_OK(measure_links());
    fill_cuts();
    fill_checks();
    return std::move(record_);
  }

 private:
  // Those of known size that do not hand the input over as it is: all are listed, these measured.
  Result<> choose_cuts() {
    work_ = model_work(graph_, list_);
    record_.total = work_.total;
    size_t unknown = 0;
    for (size_t i = 0; i < list_.cuts.size(); ++i) {
      if (list_.cuts[i].bytes) {
        kept_.push_back(i);
      } else {
        ++unknown;
      }
    }
    if (unknown > 0) {
      record_.notes.push_back(
          fmt::format("{} of {} cuts are left out: the size of their tensors is not known", unknown,
                      list_.cuts.size()));
    }
    if (kept_.empty()) return invalid("the model has no cut whose size is known");
    return {};
  }

  const Cut& cut(size_t kept) const { return list_.cuts[kept_[kept]]; }
  const CutWork& work(size_t kept) const { return work_.cuts[kept_[kept]]; }

  Result<> trace() {
    TRY(shares, trace_nodes(graph_, {.batch = options_.settings.batch,
                                     .threads = static_cast<int>(options_.settings.threads),
                                     .seed = options_.settings.seed,
                                     .folder = options_.folder}));
    std::vector<double> until(graph_.data_nodes() + 1, 0);
    for (size_t i = 0; i < graph_.data_nodes(); ++i) {
      until[i + 1] = until[i] + shares[graph_.first_data_node + i];
    }
    for (size_t i = 0; i < kept_.size(); ++i)
      place_.push_back(std::min(1.0, until[cut(i).position]));
    return {};
  }

  void choose_anchors() {
    std::vector<double> places;  // of those that may be anchors
    std::vector<size_t> open;
    for (size_t i = 0; i < kept_.size(); ++i) {
      if (!cut(i).exposed_by_construction.empty()) continue;
      open.push_back(i);
      places.push_back(place_[i]);
    }
    if (open.empty()) {
      for (size_t i = 0; i < kept_.size(); ++i) open.push_back(i);
      places = place_;
    }
    auto taken = spread(places, options_.anchors);
    for (size_t i = 0; i < open.size(); ++i) {
      const bool wanted = std::ranges::find(options_.also, cut(open[i]).id) != options_.also.end();
      if (wanted && std::ranges::find(taken, i) == taken.end()) taken.push_back(i);
    }
    for (const size_t i : taken) anchors_.insert(open[i]);
    for (const size_t i : between(places, taken, options_.checks)) checks_.insert(open[i]);
    choose_weighed(open);
  }

  // Cuts whose memory is measured besides. It does not grow with time: weights come late, and most
  // of them at once where layers are fully connected, so ratios are what is spread.
  void choose_weighed(std::vector<size_t> open) {
    std::erase_if(open, [this](size_t i) { return checks_.contains(i); });
    std::vector<double> places;
    std::vector<size_t> taken;
    for (size_t i = 0; i < open.size(); ++i) {
      places.push_back(std::log2(1 + held_at(open[i], true)));
      if (anchors_.contains(open[i])) taken.push_back(i);
    }
    for (const size_t i : between(places, taken, options_.anchors)) weighed_.insert(open[i]);
    weighed_.insert(anchors_.begin(), anchors_.end());
  }

  // Drops the devices that can't run the model.
  Result<> find_devices(Stopwatch& watch) {
    std::vector<Runner> found;
    for (Runner& device : engines_.devices) {
      Device entry{.name = device.name, .engine = device.engine, .overlaps = device.overlaps};
      if (device.use != nullptr) {
        TRY_OK(tick_(0.1, "the whole model on " + device.name));
        const auto whole = watch.whole_on(device);
        if (!whole) {
          record_.notes.push_back(
              fmt::format("{} is left out: {}", device.name, whole.error().message));
          continue;
        }
        entry.whole = whole->time;
        entry.load_ms = whole->load_ms;
      }
      record_.devices.push_back(std::move(entry));
      found.push_back(std::move(device));
    }
    engines_.devices = std::move(found);
    return {};
  }

  Result<> measure_cuts(Stopwatch& watch) {
    std::set<size_t> all = weighed_;
    all.insert(checks_.begin(), checks_.end());
    size_t done = 0;
    for (const size_t i : all) {
      TRY_OK(tick_(0.15 + 0.8 * static_cast<double>(done) / static_cast<double>(all.size()),
                   fmt::format("cut {} ({} of {})", cut(i).id, done + 1, all.size())));
      if (anchors_.contains(i) || checks_.contains(i)) {
        TRY(times, watch.measure(cut(i), engines_.devices));
        times_.emplace(i, std::move(times));
      }
      TRY(models, split(graph_, {cut(i)}));
      TRY(head, memory_of_(models[0]));
      TRY(tail, memory_of_(models[1]));
      memory_.emplace(i, MemoryOfCut{head, tail});
      ++done;
    }
    return {};
  }

  Result<> fill_wholes(const Stopwatch& watch) {
    const WholeTimes whole = watch.whole();
    TRY(memory, memory_of_(graph_.model));
    record_.trusted = {engines_.trusted.engine, whole.time, whole.load_ms, memory};
    if (!watch.inputs().empty()) record_.input_shape = watch.inputs()[0].tensor.shape();
    for (const NamedTensor& input : watch.inputs()) {
      record_.input_bytes += input.tensor.data().size();
    }
    record_.output_bytes = watch.output_bytes();
    for (size_t i = 0; i < engines_.devices.size(); ++i) {
      Device& device = record_.devices[i];
      if (engines_.devices[i].use == nullptr) {
        device.whole = whole.time;
        device.load_ms = whole.load_ms;
      } else {
        device.whole = scaled(device.whole, whole.time.ms);
      }
    }
    for (auto& [_, times] : times_) {
      times.head = scaled(times.head, whole.time.ms);
      times.tail = scaled(times.tail, whole.time.ms);
      for (Timing& body : times.bodies) body = scaled(body, whole.time.ms);
    }
    return {};
  }

  Result<> measure_links() {
    uint64_t largest = record_.output_bytes;
    for (size_t i = 0; i < kept_.size(); ++i) largest = std::max(largest, bytes_across(i));
    TRY_OK(tick_(0.97, "the link"));
    TRY(link, measure_link(*options_.link, options_.link_name, std::min(largest, kMostOnLink),
                           kLinkRounds));
    for (Device& device : record_.devices) device.link = link;
    return {};
  }

  uint64_t bytes_across(size_t kept) const {
    return saturating_mul(*cut(kept).bytes, static_cast<uint64_t>(options_.settings.batch));
  }

  double held(uint64_t weights, uint64_t live) const {
    return static_cast<double>(weights) +
           static_cast<double>(live) * static_cast<double>(options_.settings.batch);
  }

  // A curve of some time over the anchors. `end` is what is known where there is no cut: the whole
  // model's time with all of it before (or behind).
  template <typename Get>
  Curve time_curve(const Get& get, Anchor end) const {
    std::vector<Anchor> anchors;
    for (const size_t i : anchors_) {
      anchors.push_back({place_[i], static_cast<double>(bytes_across(i)), get(times_.at(i))});
    }
    anchors.push_back(end);
    return Curve(std::move(anchors));
  }

  template <typename Get>
  Curve memory_curve(bool head, const Get& get) const {
    std::vector<Anchor> anchors;
    for (const size_t i : weighed_) {
      const MemoryOfCut& found = memory_.at(i);
      anchors.push_back({held_at(i, head), 0, get(head ? found.head : found.tail)});
    }
    anchors.push_back(
        {held(work_.total.weight_bytes, work_.live_bytes), 0, get(record_.trusted.memory)});
    return Curve(std::move(anchors));
  }

  double held_at(size_t kept, bool head) const {
    const CutWork& w = work(kept);
    return head ? held(w.before.weight_bytes, w.head_live_bytes)
                : held(work_.total.weight_bytes - w.before.weight_bytes, w.tail_live_bytes);
  }

  // One time at every cut; `end` as for time_curve. Its spread is the whole model's.
  template <typename Get, typename Place>
  void predict_times(const Get& get, const Place& place, Anchor end) {
    const Curve curve = time_curve(get, end);
    const Timing& whole = record_.trusted.whole;
    for (size_t i = 0; i < kept_.size(); ++i) {
      const double ms = curve.at(place_[i], static_cast<double>(bytes_across(i)));
      place(record_.cuts[i]) = {ms, ms * whole.low / whole.ms, ms * whole.high / whole.ms};
    }
  }

  void fill_cuts() {
    const double whole = record_.trusted.whole.ms;
    for (size_t i = 0; i < kept_.size(); ++i) {
      CutCost cost;
      cost.id = cut(i).id;
      cost.position = cut(i).position;
      for (const ValueId id : cut(i).tensors) cost.tensors.push_back(graph_.values[id].name);
      cost.exposed_by_construction = cut(i).exposed_by_construction;
      if (!cost.exposed_by_construction.empty()) cost.exposed_to = cut(i).exposed_to;
      cost.macs_share = list_.macs_share(cut(i));
      cost.bytes = bytes_across(i);
      cost.before = work(i).before;
      cost.bodies.resize(record_.devices.size());
      record_.cuts.push_back(std::move(cost));
    }
    predict_times([](const CutTimes& t) { return t.head.ms; },
                  [](CutCost& c) -> Timing& { return c.head; }, {1, 0, whole});
    predict_times([](const CutTimes& t) { return t.tail.ms; },
                  [](CutCost& c) -> Timing& { return c.tail; }, {0, 0, whole});
    for (size_t d = 0; d < record_.devices.size(); ++d) {
      predict_times([d](const CutTimes& t) { return t.bodies[d].ms; },
                    [d](CutCost& c) -> Timing& { return c.bodies[d]; },
                    {0, 0, record_.devices[d].whole.ms});
    }
    fill_memory();
    predicted_ = record_.cuts;
    for (const auto& [i, times] : times_) {
      CutCost& cost = record_.cuts[i];
      cost.measured = true;
      cost.head = times.head;
      cost.tail = times.tail;
      cost.bodies = times.bodies;
      cost.head_load_ms = times.head_load_ms;
    }
    for (const auto& [i, memory] : memory_) {
      record_.cuts[i].head_memory = memory.head;
      record_.cuts[i].tail_memory = memory.tail;
    }
  }

  void fill_memory() {
    const auto bytes = [](double value) { return static_cast<uint64_t>(value); };
    const auto peak = [](const Memory& memory) { return static_cast<double>(memory.peak); };
    const auto rest = [](const Memory& memory) { return static_cast<double>(memory.resident); };
    const Curve head_peak = memory_curve(true, peak);
    const Curve head_rest = memory_curve(true, rest);
    const Curve tail_peak = memory_curve(false, peak);
    const Curve tail_rest = memory_curve(false, rest);
    std::vector<Anchor> loads;
    for (const size_t i : anchors_) {
      loads.push_back({held_at(i, true), 0, times_.at(i).head_load_ms});
    }
    loads.push_back({held(work_.total.weight_bytes, work_.live_bytes), 0, record_.trusted.load_ms});
    const Curve load(std::move(loads));
    for (size_t i = 0; i < kept_.size(); ++i) {
      CutCost& cost = record_.cuts[i];
      const double head = held_at(i, true), tail = held_at(i, false);
      cost.head_memory = {bytes(head_peak.at(head, 0)), bytes(head_rest.at(head, 0))};
      cost.tail_memory = {bytes(tail_peak.at(tail, 0)), bytes(tail_rest.at(tail, 0))};
      cost.head_load_ms = load.at(head, 0);
    }
  }

  void fill_checks() {
    for (const size_t i : checks_) {
      const CutCost& guess = predicted_[i];
      const CutCost& found = record_.cuts[i];
      record_.checks.push_back({found.id, guess.head.ms + guess.bodies[0].ms,
                                found.head.ms + found.bodies[0].ms, guess.head_memory.peak,
                                found.head_memory.peak});
    }
  }

  const Graph& graph_;
  const CutList& list_;
  Engines engines_;
  const ProfileOptions& options_;
  const MemoryProbe& memory_of_;
  ProfileRecord record_;
  const ProgressCallback& tick_;

  ModelWork work_;
  std::vector<size_t> kept_;   // positions in list_.cuts; what follows counts in this
  std::vector<double> place_;  // share of the model's time before the cut
  std::set<size_t> anchors_;
  std::set<size_t> checks_;
  std::set<size_t> weighed_;  // whose memory is known to the interpolation
  std::map<size_t, CutTimes> times_;
  std::map<size_t, MemoryOfCut> memory_;
  std::vector<CutCost> predicted_;
};

}  // namespace

Result<ProfileRecord> profile_model(const Graph& graph, const CutList& cuts, Engines engines,
                                    const ProfileOptions& options, const MemoryProbe& memory_of,
                                    ProfileRecord frame, const ProgressCallback& tick) {
  return Profiler(graph, cuts, std::move(engines), options, memory_of, std::move(frame), tick)
      .run();
}

}  // namespace cloister::profile
