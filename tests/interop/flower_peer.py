"""The same table and the same linear model with Flower: seconds per round and the AUC at the end.

Usage: flower_peer.py table TABLE.csv               writes the table
       flower_peer.py compare TABLE.csv OURS.json...   `fedpet federate --json` over that table

Flower runs as its own processes would: a gRPC server and one client process per site on loopback,
without TLS and without secure aggregation (its SecAgg+ needs another deployment). Standardisation
is by the training rows of all sites, as in ours; the local steps are those of the plan.
Prints a line for each check: "passed" or "FAILED".
"""

import csv
import json
import multiprocessing
import os
import socket
import sys
import time

import numpy as np

os.environ["FLWR_TELEMETRY_ENABLED"] = "0"  # before flwr is imported, here and in the clients

SITES, FEATURES, PATIENTS = 4, 6, 800
AUC_TOLERANCE = 0.02  # of 200 test patients; both draw minibatches of their own


def write_table(path):
    random = np.random.default_rng(20)
    coefficients = np.array([1.2, -0.8, 0.6, 0.0, 0.0, -0.4])
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["site", *(f"x{i}" for i in range(FEATURES)), "y", "split"])
        for i in range(PATIENTS):
            site = i % SITES
            x = random.normal(0.3 * site, 1 + 0.2 * site, FEATURES)
            y = random.random() < 1 / (1 + np.exp(-(x - 0.3) @ coefficients))
            rows.writerow([f"S{site}", *x, int(y), "test" if i // SITES % 4 == 0 else "train"])


def read_table(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    x = np.array([[float(row[f"x{i}"]) for i in range(FEATURES)] for row in rows])
    y = np.array([float(row["y"]) for row in rows])
    site = np.array([row["site"] for row in rows])
    train = np.array([row["split"] == "train" for row in rows])
    x = (x - x[train].mean(axis=0)) / x[train].std(axis=0, ddof=1)
    return x, y, site, train


def auc(scores, y):
    positive, negative = scores[y == 1], scores[y == 0]
    pairs = positive[:, None] - negative[None, :]
    return (np.sum(pairs > 0) + 0.5 * np.sum(pairs == 0)) / pairs.size


def sgd(weights, x, y, terms, random):
    weights, order = weights.copy(), np.empty(0, dtype=int)
    x = np.hstack([x, np.ones((len(x), 1))])
    for _ in range(terms["localSteps"]):
        if len(order) < terms["batchSize"]:
            order = random.permutation(len(x))
        batch, order = order[: terms["batchSize"]], order[terms["batchSize"] :]
        p = 1 / (1 + np.exp(-x[batch] @ weights))
        weights -= terms["clientLearningRate"] * x[batch].T @ (p - y[batch]) / len(batch)
    return weights


def run_client(address, number, x, y, terms):
    import flwr

    random = np.random.default_rng(number)

    class Client(flwr.client.NumPyClient):
        def fit(self, parameters, config):
            return [sgd(parameters[0], x, y, terms, random)], len(x), {}

    flwr.client.start_client(server_address=address, client=Client().to_client(), insecure=True)


def run_flower(x, y, site, terms):
    import flwr

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    finished, weights = [], []

    class Strategy(flwr.server.strategy.FedAvg):
        def aggregate_fit(self, server_round, results, failures):
            aggregated = super().aggregate_fit(server_round, results, failures)
            if failures or len(results) != SITES:
                raise RuntimeError(f"{len(results)} of {SITES} clients took part")
            weights[:] = flwr.common.parameters_to_ndarrays(aggregated[0])
            finished.append(time.monotonic())
            return aggregated

    strategy = Strategy(
        fraction_evaluate=0, min_fit_clients=SITES, min_available_clients=SITES,
        initial_parameters=flwr.common.ndarrays_to_parameters([np.zeros(FEATURES + 1)]))
    spawn = multiprocessing.get_context("spawn")
    clients = [
        spawn.Process(target=run_client, args=(address, i, x[site == name], y[site == name], terms))
        for i, name in enumerate(sorted(set(site)))]
    for client in clients:
        client.start()
    flwr.server.start_server(server_address=address, strategy=strategy,
                             config=flwr.server.ServerConfig(num_rounds=terms["rounds"]))
    for client in clients:
        client.join(30)
        client.kill()
    # The first round waits for the clients to start.
    return weights[0], np.median(np.diff(finished))


def compare(table, results):
    x, y, site, train = read_table(table)
    terms = results[0]["plan"]["training"]
    weights, seconds = run_flower(x[train], y[train], site[train], terms)
    theirs = auc(x[~train] @ weights[:-1], y[~train])
    for ours in results:
        assert ours["plan"]["training"] == terms
        masking, our_auc = ours["plan"]["masking"], ours["all"]["federated"]["value"]
        rounds = sorted(r["seconds"] for r in ours["rounds"][2:])  # two to standardise
        our_seconds = rounds[len(rounds) // 2]
        close = abs(theirs - our_auc) <= AUC_TOLERANCE
        print(f"{'passed' if close else 'FAILED'}  Flower: AUC {theirs:.4f}, ours {our_auc:.4f} "
              f"after {terms['rounds']} rounds of {terms['strategy']}, masking {masking}")
        print(f"measured Flower: {seconds:.3f} s per round over gRPC in the clear, ours "
              f"{our_seconds:.3f} s over mutual TLS with journals, masking {masking}")


if __name__ == "__main__":
    if sys.argv[1] == "table":
        write_table(sys.argv[2])
    else:
        compare(sys.argv[2], [json.load(open(name)) for name in sys.argv[3:]])
