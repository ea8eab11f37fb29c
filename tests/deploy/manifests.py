"""What no schema knows of the compose files and the Kubernetes manifests: that their parts fit each other, and the gateway.

    manifests.py PROGRAM
"""

import os
import re
import subprocess
import sys
import tempfile

import ruamel.yaml

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy")


def documents(name):
    with open(os.path.join(DEPLOY, name)) as file:
        return list(ruamel.yaml.YAML(typ="safe").load_all(file))


def expect(holds, what):
    if not holds:
        sys.exit(f"FAILED: {what}")


def duration(text):
    return int(re.fullmatch(r"(\d+)s", text)[1])


def compose(name, replicas):
    (file,) = documents(name)
    services = file["services"]
    gateways = {key: service for key, service in services.items() if key.startswith("gateway")}
    expect(len(gateways) == replicas, f"{name} has {replicas} gateways")
    for key, service in gateways.items():
        where = f"{name}, {key}"
        environment = service["environment"]
        for variable, path in environment.items():
            if variable.endswith("_FILE"):
                secret = path.removeprefix("/run/secrets/")
                expect(secret in service["secrets"], f"{where}: {variable} names a secret that the service has")
            expect(variable.endswith("_FILE") or "TOKEN" not in variable and "KEY" not in variable, f"{where}: {variable} is in a file")
        expect(duration(service["stop_grace_period"]) > 20, f"{where}: a stop has more time than the gateway takes")
        expect(service["read_only"] and service["cap_drop"] == ["ALL"], f"{where}: it may do little")
        expect(service["ulimits"]["nofile"] >= 65536, f"{where}: it may open many files")
    for key, service in services.items():
        expect(set(service.get("secrets", [])) <= set(file["secrets"]), f"{name}, {key}: its secrets are there")
        expect("/" not in service["image"], f"{name}, {key}: the image is named without a host")
    return file


def proxy(file):
    with open(os.path.join(DEPLOY, "Caddyfile")) as caddyfile:
        (upstreams,) = re.findall(r"reverse_proxy (.+) \{", caddyfile.read())
    gateways = {key for key in file["services"] if key.startswith("gateway")}
    expect({name.split(":")[0] for name in upstreams.split()} == gateways, "the proxy knows every replica")
    address = file["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
    for key in gateways:
        expect(file["services"][key]["environment"]["GATEWAY_TRUSTED_PROXIES"] == address, f"{key} trusts the proxy")
        expect("ports" not in file["services"][key], f"{key} is reached through the proxy alone")


def kubernetes(program):
    parts = {part["kind"]: part for part in documents("kubernetes.yaml")}
    deployment, secret = parts["Deployment"]["spec"], parts["Secret"]
    pod = deployment["template"]
    labels = pod["metadata"]["labels"].items()
    for kind in ("PodDisruptionBudget", "Service"):
        selector = parts[kind]["spec"]["selector"]
        expect(selector.get("matchLabels", selector).items() <= labels, f"the {kind} selects the pods")
    expect(parts["PodDisruptionBudget"]["spec"]["minAvailable"] < deployment["replicas"], "a pod may be moved")
    expect(pod["spec"]["terminationGracePeriodSeconds"] >= 25 + 5, "a stop has more time than the gateway takes")
    (container,) = pod["spec"]["containers"]
    paths = {probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    expect(paths["livenessProbe"] == "/health/live" and paths["readinessProbe"] == "/health/ready", f"the probes ask {paths}")
    # The settings are read by the program itself, with the secrets where the pod would have them.
    text = parts["ConfigMap"]["data"]["gateway.toml"]
    named = set(re.findall(r'"/run/secrets/gateway/(\w+)"', text))
    expect(named == set(secret["stringData"]), f"the settings name the secrets that there are: {named}")
    with tempfile.TemporaryDirectory() as folder:
        for name, value in secret["stringData"].items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(value)
        settings = os.path.join(folder, "gateway.toml")
        with open(settings, "w") as file:
            file.write(text.replace("/run/secrets/gateway/", folder + "/"))
        # The database of the example is nowhere: `serve` comes as far as that.
        done = subprocess.run([program, "serve", "--config", settings], capture_output=True, text=True, timeout=120, env={"GATEWAY_LISTEN": "127.0.0.1:0"})
        expect(done.returncode == 2 and "mistake" not in done.stderr and "cannot be opened" in done.stderr, f"the settings are read: {done.stderr}")


def main():
    compose("compose.yaml", 1)
    proxy(compose("compose.postgres.yaml", 2))
    kubernetes(sys.argv[1])
    print("compose files and manifests fit the gateway")


if __name__ == "__main__":
    main()
