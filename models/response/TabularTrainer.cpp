#include "models/response/TabularTrainer.h"

#include "models/response/Fit.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace fedpet::response {
namespace {

using torch::Tensor;

void require(bool holds, const char* sentence) {
  if (!holds) throw TabularTrainingError(sentence);
}

Tensor viewOf(const std::vector<double>& values, std::int64_t rows, std::int64_t columns) {
  return torch::from_blob(const_cast<double*>(values.data()), {rows, columns}, torch::kDouble);
}

// One layer's place in the flat vector of parameters, as views into it.
struct Layer {
  Tensor weight, bias;  // units x inputs, units; bias undefined: none
};

struct Network {
  std::vector<Layer> layers;  // the last one is the output
  Tensor logHazards;          // undefined: none
};

Network networkOver(const TabularModelShape& shape, const Tensor& flat) {
  Network network;
  std::int64_t offset = 0, inputs = static_cast<std::int64_t>(shape.inputs);
  const auto take = [&](std::int64_t length) {
    offset += length;
    return flat.narrow(0, offset - length, length);
  };
  for (const int units : shape.hiddenUnits) {
    Layer layer;
    layer.weight = take(units * inputs).view({units, inputs});
    layer.bias = take(units);
    network.layers.push_back(layer);
    inputs = units;
  }
  Layer output;
  output.weight = take(inputs).view({1, inputs});
  if (!shape.survival) output.bias = take(1);
  network.layers.push_back(output);
  if (shape.timeIntervals > 0) network.logHazards = take(shape.timeIntervals);
  return network;
}

struct Batch {
  Tensor inputs;  // n x inputs
  std::vector<std::size_t> rows;
};

Batch batchOf(const TabularModelShape& shape, const TabularData& data,
              std::vector<std::size_t> rows) {
  const auto columns = static_cast<std::int64_t>(shape.inputs);
  Tensor inputs = torch::empty({static_cast<std::int64_t>(rows.size()), columns}, torch::kDouble);
  double* out = inputs.data_ptr<double>();
  for (const std::size_t row : rows)
    out = std::copy_n(data.inputs.data() + row * shape.inputs, shape.inputs, out);
  return {inputs, std::move(rows)};
}

// Inputs of every layer, and the score of every row.
struct Forward {
  std::vector<Tensor> inputs;
  Tensor scores;
};

Forward forward(const Network& network, const Tensor& inputs) {
  Forward f;
  Tensor a = inputs;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const Layer& layer = network.layers[l];
    f.inputs.push_back(a);
    a = layer.bias.defined() ? at::addmm(layer.bias, a, layer.weight.t()) : a.mm(layer.weight.t());
    if (l + 1 < network.layers.size()) a = a.relu();
  }
  f.scores = a.squeeze(1);
  return f;
}

// Loss of each patient, its derivative by the score, and by the log hazards (n x intervals).
struct Slopes {
  double lossSum = 0;
  std::vector<double> byScore, byLogHazard;
};

Slopes logisticSlopes(const TabularData& data, const Batch& batch, const double* scores) {
  Slopes s;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const double y = data.label[batch.rows[i]], score = scores[i];
    s.lossSum += std::max(score, 0.0) + std::log1p(std::exp(-std::abs(score))) - y * score;
    s.byScore.push_back(1 / (1 + std::exp(-score)) - y);
  }
  return s;
}

Slopes coxSlopes(const TabularData& data, const Batch& batch, const double* scores) {
  const std::size_t n = batch.rows.size();
  Slopes s;
  s.byScore.assign(n, 0.0);
  if (n == 0) return s;
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  const auto timeOf = [&](std::size_t i) { return data.time[batch.rows[i]]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return timeOf(a) > timeOf(b); });
  const double shift = *std::max_element(scores, scores + n);
  // From the longest time on: S0 of each time, then 1 / S0 summed back over the risk sets.
  std::vector<double> atRisk(n);
  double sum = 0;
  for (std::size_t first = 0, last; first < n; first = last) {
    for (last = first; last < n && timeOf(order[last]) == timeOf(order[first]); ++last)
      sum += std::exp(scores[order[last]] - shift);
    for (std::size_t k = first; k < last; ++k) atRisk[k] = sum;
  }
  double inverse = 0;
  for (std::size_t last = n; last > 0;) {
    std::size_t first = last;
    while (first > 0 && timeOf(order[first - 1]) == timeOf(order[last - 1])) --first;
    for (std::size_t k = first; k < last; ++k)
      if (data.event[batch.rows[order[k]]] == 1) inverse += 1 / atRisk[k];
    for (std::size_t k = first; k < last; ++k) {
      const std::size_t i = order[k];
      const double event = data.event[batch.rows[i]];
      s.byScore[i] = std::exp(scores[i] - shift) * inverse - event;
      if (event == 1) s.lossSum += std::log(atRisk[k]) + shift - scores[i];
    }
    last = first;
  }
  return s;
}

Slopes piecewiseSlopes(const TabularModelShape& shape, const TabularData& data, const Batch& batch,
                       const double* scores, const double* logHazards) {
  const auto intervals = static_cast<std::size_t>(shape.timeIntervals);
  Slopes s;
  s.byLogHazard.assign(batch.rows.size() * intervals, 0.0);
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    const double time = data.time[batch.rows[i]], event = data.event[batch.rows[i]];
    double begin = 0, slope = 0;
    for (std::size_t k = 0; k < intervals; ++k) {
      const bool last = k + 1 == intervals;
      const double end = last ? time : shape.timeIntervalEnds[k];
      if (time <= begin && k > 0) break;
      const double expected =
          std::exp(scores[i] + logHazards[k]) * std::max(0.0, std::min(time, end) - begin);
      const double here = event == 1 && (last || time <= end) ? 1 : 0;
      s.byLogHazard[i * intervals + k] = expected - here;
      s.lossSum += expected - here * (scores[i] + logHazards[k]);
      slope += expected - here;
      begin = end;
    }
    s.byScore.push_back(slope);
  }
  return s;
}

Slopes slopesOf(const TabularModelShape& shape, const TabularData& data, const Batch& batch,
                const Network& network, const Tensor& scores) {
  const Tensor contiguous = scores.contiguous();
  const double* values = contiguous.data_ptr<double>();
  if (!shape.survival) return logisticSlopes(data, batch, values);
  if (shape.timeIntervals == 0) return coxSlopes(data, batch, values);
  const Tensor hazards = network.logHazards.contiguous();
  return piecewiseSlopes(shape, data, batch, values, hazards.data_ptr<double>());
}

// Gradient of the output of every layer, one row a patient.
struct Backward {
  std::vector<Tensor> outputs;
  Tensor logHazards;  // n x intervals
};

Backward backward(const TabularModelShape& shape, const Network& network, const Forward& f,
                  const Slopes& slopes) {
  const auto n = static_cast<std::int64_t>(slopes.byScore.size());
  Backward b;
  b.outputs.resize(network.layers.size());
  Tensor d = viewOf(slopes.byScore, n, 1).clone();
  for (std::size_t l = network.layers.size(); l-- > 0;) {
    b.outputs[l] = d;
    if (l > 0) d = d.mm(network.layers[l].weight) * (f.inputs[l] > 0);
  }
  if (shape.timeIntervals > 0)
    b.logHazards = viewOf(slopes.byLogHazard, n, shape.timeIntervals).clone();
  return b;
}

// Each patient's share of the gradient, scaled by `factor` (n x 1; undefined: 1) and summed.
Tensor gradientSum(const TabularModelShape& shape, const Network& network, const Forward& f,
                   const Backward& b, const Tensor& factor) {
  std::vector<Tensor> parts;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const Tensor d = factor.defined() ? b.outputs[l] * factor : b.outputs[l];
    parts.push_back(d.t().mm(f.inputs[l]).flatten());
    if (network.layers[l].bias.defined()) parts.push_back(d.sum(0));
  }
  if (shape.timeIntervals > 0)
    parts.push_back((factor.defined() ? b.logHazards * factor : b.logHazards).sum(0));
  return torch::cat(parts);
}

Tensor clipFactors(const TabularModelShape& shape, const Network& network, const Forward& f,
                   const Backward& b, double clipNorm) {
  Tensor squared;
  for (std::size_t l = 0; l < network.layers.size(); ++l) {
    const double bias = network.layers[l].bias.defined() ? 1 : 0;
    const Tensor part = b.outputs[l].square().sum(1) * (f.inputs[l].square().sum(1) + bias);
    squared = squared.defined() ? squared + part : part;
  }
  if (shape.timeIntervals > 0) squared = squared + b.logHazards.square().sum(1);
  return (clipNorm / squared.sqrt().clamp_min(1e-300)).clamp_max(1.0).unsqueeze(1);
}

void check(const TabularModelShape& shape, const TabularData& data,
           const std::vector<double>& parameters) {
  require(parameters.size() == shape.parameterCount(),
          "the parameters are more or fewer than the model has");
  require(data.inputs.size() == data.rows * shape.inputs,
          "the inputs are more or fewer than rows times columns");
  const std::size_t n = data.rows;
  require(shape.survival ? data.time.size() == n && data.event.size() == n : data.label.size() == n,
          "not every patient has an outcome");
  require(shape.timeIntervals == 0 ||
              shape.timeIntervalEnds.size() + 1 == static_cast<std::size_t>(shape.timeIntervals),
          "the time intervals and their ends do not fit");
  require(std::all_of(data.inputs.begin(), data.inputs.end(),
                      [](double v) { return std::isfinite(v); }),
          "an input is not finite");
}

std::vector<std::size_t> allRows(const TabularData& data) {
  std::vector<std::size_t> rows(data.rows);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// A shuffled table, taken from the front. Own shuffle: std::shuffle differs between libraries.
class Minibatches {
 public:
  Minibatches(std::size_t rows, std::uint64_t seed) : random_(seed), order_(rows), next_(rows) {
    std::iota(order_.begin(), order_.end(), 0);
  }
  std::vector<std::size_t> next(std::size_t size) {
    std::vector<std::size_t> batch;
    while (batch.size() < std::min(size, order_.size())) {
      if (next_ == order_.size()) {
        // A batch never holds a patient twice, even across two shuffles.
        if (!batch.empty()) break;
        for (std::size_t i = order_.size(); i > 1; --i)
          std::swap(order_[i - 1], order_[random_() % i]);
        next_ = 0;
      }
      batch.push_back(order_[next_++]);
    }
    return batch;
  }

 private:
  std::mt19937_64 random_;
  std::vector<std::size_t> order_;
  std::size_t next_;
};

class Trainer {
 public:
  Trainer(const TabularModelShape& shape, const TabularData& data, const std::vector<double>& start,
          const TabularOptions& options)
      : shape_(shape),
        data_(data),
        options_(options),
        start_(copyOf(start)),
        parameters_(start_.clone()),
        network_(networkOver(shape, parameters_)) {
    if (!options.serverVariate.empty())
      drift_ = copyOf(options.serverVariate) - copyOf(options.ownVariate);
  }

  TabularResult run() {
    TabularResult result;
    result.meanLoss = meanLoss();
    if (options_.gradientSumOnly) {
      result.gradientSum = vectorOf(noisedSum(poissonSample()));
      result.parameters = vectorOf(start_);
      return result;
    }
    Minibatches minibatches(data_.rows, options_.seed);
    for (int step = 0; step < options_.steps; ++step)
      parameters_.sub_(penalised(options_.clipped ? noisedMean() : plainMean(minibatches)),
                       options_.learningRate);
    result.parameters = vectorOf(parameters_);
    return result;
  }

  static Tensor copyOf(const std::vector<double>& values) {
    return viewOf(values, 1, static_cast<std::int64_t>(values.size())).clone().flatten();
  }
  static std::vector<double> vectorOf(const Tensor& t) {
    const Tensor flat = t.contiguous();
    return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
  }

 private:
  double meanLoss() const {
    if (data_.rows == 0) return 0;
    const Batch batch = batchOf(shape_, data_, allRows(data_));
    const Forward f = forward(network_, batch.inputs);
    return slopesOf(shape_, data_, batch, network_, f.scores).lossSum /
           static_cast<double>(data_.rows);
  }

  Tensor plainMean(Minibatches& minibatches) const {
    const Batch batch =
        batchOf(shape_, data_, minibatches.next(static_cast<std::size_t>(options_.batchSize)));
    const Forward f = forward(network_, batch.inputs);
    const Slopes slopes = slopesOf(shape_, data_, batch, network_, f.scores);
    return gradientSum(shape_, network_, f, backward(shape_, network_, f, slopes), {}) /
           static_cast<double>(batch.rows.size());
  }

  std::vector<std::size_t> poissonSample() const {
    std::vector<std::size_t> rows;
    for (std::size_t r = 0; r < data_.rows; ++r)
      if (options_.uniform() <= options_.sampleRate) rows.push_back(r);
    return rows;
  }

  Tensor noisedSum(std::vector<std::size_t> rows) const {
    Tensor sum = torch::zeros_like(parameters_);
    if (!rows.empty()) {
      const Batch batch = batchOf(shape_, data_, std::move(rows));
      const Forward f = forward(network_, batch.inputs);
      const Backward b =
          backward(shape_, network_, f, slopesOf(shape_, data_, batch, network_, f.scores));
      sum = gradientSum(shape_, network_, f, b,
                        clipFactors(shape_, network_, f, b, options_.clipNorm));
    }
    double* values = sum.data_ptr<double>();
    for (std::int64_t i = 0; i < sum.numel(); ++i)
      values[i] += options_.noiseSd * options_.standardNormal();
    return sum;
  }

  Tensor noisedMean() const {
    const double expected = options_.sampleRate * static_cast<double>(data_.rows);
    return noisedSum(poissonSample()) / std::max(1.0, expected);
  }

  Tensor penalised(Tensor gradient) const {
    if (options_.l2 > 0) gradient = gradient + options_.l2 * parameters_;
    if (options_.proximalMu > 0) gradient = gradient + options_.proximalMu * (parameters_ - start_);
    return drift_.defined() ? gradient + drift_ : gradient;
  }

  const TabularModelShape& shape_;
  const TabularData& data_;
  const TabularOptions& options_;
  Tensor start_, parameters_, drift_;
  Network network_;  // views into parameters_
};

void check(const TabularModelShape& shape, const TabularData& data,
           const std::vector<double>& start, const TabularOptions& o) {
  check(shape, data, start);
  require(data.rows > 0, "there is no patient to train on");
  require(o.steps > 0 && o.batchSize > 0 && o.learningRate > 0,
          "steps, batch size and learning rate must be above 0");
  require(o.serverVariate.size() == o.ownVariate.size() &&
              (o.serverVariate.empty() || o.serverVariate.size() == start.size()),
          "the control variates belong to another model");
  if (!o.clipped) {
    require(!o.gradientSumOnly && o.noiseSd == 0, "noise needs clipping");
    return;
  }
  require(!shape.survival || shape.timeIntervals > 0,
          "Cox's likelihood compares patients, so a single patient's gradient cannot be clipped: "
          "use time intervals");
  require(o.clipNorm > 0 && o.noiseSd >= 0 && o.sampleRate > 0 && o.sampleRate <= 1,
          "the clipping norm and the sample rate must be above 0, the rate at most 1");
  require(o.uniform && o.standardNormal, "clipping needs a secret source of randomness");
}

// LibTorch's own errors become ours.
template <typename Work>
auto translated(Work work) {
  torch::NoGradGuard guard;
  try {
    return work();
  } catch (const c10::Error& error) {
    throw TabularTrainingError("training failed: " + std::string(error.what_without_backtrace()));
  }
}

}  // namespace

std::size_t TabularModelShape::parameterCount() const {
  std::size_t count = 0, width = inputs;
  for (const int units : hiddenUnits) {
    require(units > 0, "a hidden layer needs at least one unit");
    count += static_cast<std::size_t>(units) * (width + 1);
    width = static_cast<std::size_t>(units);
  }
  return count + width + (survival ? 0 : 1) + static_cast<std::size_t>(timeIntervals);
}

TabularResult trainTabular(const TabularModelShape& shape, const TabularData& data,
                           const std::vector<double>& start, const TabularOptions& options) {
  check(shape, data, start, options);
  if (options.threads > 0) setComputeThreads(options.threads);
  return translated([&] { return Trainer(shape, data, start, options).run(); });
}

LossAndGradient tabularLoss(const TabularModelShape& shape, const TabularData& data,
                            const std::vector<double>& parameters,
                            const std::vector<std::size_t>& rows) {
  check(shape, data, parameters);
  require(!rows.empty(), "there is no patient to take a loss of");
  return translated([&] {
    const Tensor flat = Trainer::copyOf(parameters);
    const Network network = networkOver(shape, flat);
    const Batch batch = batchOf(shape, data, rows);
    const Forward f = forward(network, batch.inputs);
    const Slopes slopes = slopesOf(shape, data, batch, network, f.scores);
    const auto n = static_cast<double>(rows.size());
    return LossAndGradient{
        slopes.lossSum / n,
        Trainer::vectorOf(gradientSum(shape, network, f, backward(shape, network, f, slopes), {}) /
                          n)};
  });
}

std::vector<double> clippedGradientSum(const TabularModelShape& shape, const TabularData& data,
                                       const std::vector<double>& parameters,
                                       const std::vector<std::size_t>& rows, double clipNorm) {
  check(shape, data, parameters);
  require(!rows.empty() && clipNorm > 0, "clipping needs patients and a norm above 0");
  require(!shape.survival || shape.timeIntervals > 0,
          "Cox's likelihood compares patients, so a single patient's gradient cannot be clipped");
  return translated([&] {
    const Tensor flat = Trainer::copyOf(parameters);
    const Network network = networkOver(shape, flat);
    const Batch batch = batchOf(shape, data, rows);
    const Forward f = forward(network, batch.inputs);
    const Backward b = backward(shape, network, f, slopesOf(shape, data, batch, network, f.scores));
    return Trainer::vectorOf(
        gradientSum(shape, network, f, b, clipFactors(shape, network, f, b, clipNorm)));
  });
}

}  // namespace fedpet::response
