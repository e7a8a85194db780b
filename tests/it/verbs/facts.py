"""Compares what is in AWS with every fact that stacks/circles.yaml promises: `facts.py ENDPOINT [https] [none|single|per_az]`.

Prints one line per fact that does not hold, and ends with 1 when there are any.
"""

import json
import sys

import boto3
from botocore.config import Config

ENDPOINT, CHOICES = sys.argv[1], sys.argv[2:]
HTTPS = "https" in CHOICES
NAT = next((c for c in CHOICES if c in ("none", "single", "per_az")), "single")
REGION = "us-east-1"
WRONG = []


def client(service):
    config = Config(s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION, aws_access_key_id="a",
                        aws_secret_access_key="b", config=config)


ec2, ecs, elb, rds = client("ec2"), client("ecs"), client("elbv2"), client("rds")
ACCOUNT = client("sts").get_caller_identity()["Account"]
ecr, s3, secrets, iam, logs = client("ecr"), client("s3"), client("secretsmanager"), client("iam"), client("logs")


def fact(what, got, wanted):
    if got != wanted:
        WRONG.append(f"{what}: {got!r}, not {wanted!r}")


def tags(entries):
    return {entry.get("Key", entry.get("key")): entry.get("Value", entry.get("value")) for entry in entries or []}


def mine(what, entries):
    """Every resource says whose it is."""
    found = tags(entries)
    wanted = {"circles-infra:stack": "circles", "circles-infra:env": "dev", "circles-infra:region": REGION,
              "Project": "circles"}
    fact(f"tags of {what}", {key: found.get(key) for key in wanted}, wanted)
    fact(f"{what} has an address", bool(found.get("circles-infra:address")), True)
    fact(f"{what} has a generation", found.get("circles-infra:generation"), "1")
    fact(f"{what} has a Name", bool(found.get("Name")), True)


def network():
    vpcs = [v for v in ec2.describe_vpcs()["Vpcs"] if not v["IsDefault"]]
    fact("VPCs", [v["CidrBlock"] for v in vpcs], ["10.0.0.0/16"])
    vpc = vpcs[0]["VpcId"]
    mine("VPC", vpcs[0]["Tags"])
    names = ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsHostnames")
    fact("DNS hostnames", names["EnableDnsHostnames"]["Value"], True)
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = {s["CidrBlock"]: s for s in ec2.describe_subnets(Filters=within)["Subnets"]}
    public, private = ["10.0.1.0/24", "10.0.2.0/24"], ["10.0.11.0/24", "10.0.12.0/24"]
    fact("subnets", sorted(subnets), sorted(public + private))
    for pair in (public, private):
        zones = {subnets[cidr]["AvailabilityZone"] for cidr in pair}
        fact(f"zones of {pair}", len(zones), 2)
    for subnet in subnets.values():
        mine(subnet["CidrBlock"], subnet["Tags"])
    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    gateways = [g for g in gateways if any(a["VpcId"] == vpc for a in g["Attachments"])]
    fact("internet gateways", len(gateways), 1)
    mine("internet gateway", gateways[0]["Tags"])
    nats = [n for n in ec2.describe_nat_gateways()["NatGateways"] if n["State"] == "available"]
    count = {"none": 0, "single": 1, "per_az": 2}[NAT]
    fact("NAT gateways", len(nats), count)
    for nat in nats:
        mine("NAT gateway", nat["Tags"])
        fact("NAT gateway is public", nat["SubnetId"] in {subnets[c]["SubnetId"] for c in public}, True)
    addresses = ec2.describe_addresses()["Addresses"]
    fact("elastic addresses", len(addresses), count)
    for address in addresses:
        mine("elastic address", address["Tags"])
    routes(within, subnets, public, private, gateways[0]["InternetGatewayId"], {n["NatGatewayId"]: n for n in nats})
    return {cidr: s["SubnetId"] for cidr, s in subnets.items()}, vpc


def routes(within, subnets, public, private, gateway, nats):
    tables = ec2.describe_route_tables(Filters=within)["RouteTables"]
    of = {a["SubnetId"]: t for t in tables for a in t["Associations"] if a.get("SubnetId")}
    fact("every subnet has a table", sorted(of), sorted(s["SubnetId"] for s in subnets.values()))
    for table in of.values():
        mine("route table", table["Tags"])
    out = {}
    for cidr, subnet in subnets.items():
        table = of.get(subnet["SubnetId"], {"Routes": []})
        out[cidr] = next((r for r in table["Routes"] if r.get("DestinationCidrBlock") == "0.0.0.0/0"), {})
    for cidr in public:
        fact(f"way out of {cidr}", out[cidr].get("GatewayId"), gateway)
    for cidr in private:
        nat = out[cidr].get("NatGatewayId")
        fact(f"way out of {cidr}", nat in nats, NAT != "none")
        if NAT == "per_az" and nat in nats:
            zones = {s["SubnetId"]: s["AvailabilityZone"] for s in subnets.values()}
            fact(f"NAT zone of {cidr}", zones[nats[nat]["SubnetId"]], subnets[cidr]["AvailabilityZone"])
    fact("public tables", len({of[subnets[c]["SubnetId"]]["RouteTableId"] for c in public}), 1)
    fact("private tables", len({of[subnets[c]["SubnetId"]]["RouteTableId"] for c in private}), 2 if NAT == "per_az" else 1)


def flat(permissions):
    """(protocol, port, from whom) of each rule."""
    rules = set()
    for p in permissions:
        ports = (p.get("FromPort"), p.get("ToPort")) if p["IpProtocol"] != "-1" else (None, None)
        for r in p.get("IpRanges", []):
            rules.add((p["IpProtocol"], *ports, r["CidrIp"]))
        for r in p.get("Ipv6Ranges", []):
            rules.add((p["IpProtocol"], *ports, r["CidrIpv6"]))
        for r in p.get("UserIdGroupPairs", []):
            rules.add((p["IpProtocol"], *ports, r["GroupId"]))
    return rules


def groups(vpc):
    found = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    found = {g["GroupName"]: g for g in found if g["GroupName"] != "default"}
    fact("security groups", sorted(found), ["circles-alb-sg", "circles-ecs-sg", "circles-rds-sg"])
    ids = {name: g["GroupId"] for name, g in found.items()}
    ports = [80, 443] if HTTPS else [80]
    world = {("tcp", port, port, cidr) for port in ports for cidr in ("0.0.0.0/0", "::/0")}
    inward = {"circles-alb-sg": world, "circles-ecs-sg": {("tcp", 8000, 8000, ids["circles-alb-sg"])},
              "circles-rds-sg": {("tcp", 5432, 5432, ids["circles-ecs-sg"])}}
    for name, rules in inward.items():
        fact(f"in of {name}", flat(found[name]["IpPermissions"]), rules)
        mine(name, found[name]["Tags"])
    for name in ("circles-alb-sg", "circles-ecs-sg"):
        out = flat(found[name]["IpPermissionsEgress"])
        fact(f"out of {name}", ("-1", None, None, "0.0.0.0/0") in out, True)
    return ids


def balancer(subnets, ids):
    found = elb.describe_load_balancers(Names=["circles-alb"])["LoadBalancers"][0]
    for key, wanted in [("Scheme", "internet-facing"), ("Type", "application"), ("SecurityGroups", [ids["circles-alb-sg"]])]:
        fact(f"load balancer {key}", found[key], wanted)
    public = {subnets["10.0.1.0/24"], subnets["10.0.2.0/24"]}
    fact("load balancer's subnets", {z["SubnetId"] for z in found["AvailabilityZones"]}, public)
    arn = found["LoadBalancerArn"]
    said = tags(elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"])
    fact("idle timeout", said["idle_timeout.timeout_seconds"], "180")
    group = elb.describe_target_groups(Names=["circles-tg"])["TargetGroups"][0]
    wanted = {"Port": 8000, "Protocol": "HTTP", "TargetType": "ip", "HealthCheckPath": "/health", "Matcher": {"HttpCode": "200"},
              "HealthCheckIntervalSeconds": 15, "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 2, "UnhealthyThresholdCount": 5}
    fact("target group", {key: group[key] for key in wanted}, wanted)
    target = group["TargetGroupArn"]
    said = tags(elb.describe_target_group_attributes(TargetGroupArn=target)["Attributes"])
    fact("deregistration delay", said["deregistration_delay.timeout_seconds"], "30")
    listeners = {entry["Port"]: entry for entry in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]}
    fact("listeners", sorted(listeners), [80, 443] if HTTPS else [80])
    serving = listeners[443 if HTTPS else 80]
    fact("forwards to", serving["DefaultActions"][0].get("TargetGroupArn", target), target)
    fact("serves by", serving["DefaultActions"][0]["Type"], "forward")
    fact("80 speaks", listeners[80]["Protocol"], "HTTP")
    if HTTPS:
        fact("443 speaks", serving["Protocol"], "HTTPS")
        fact("TLS policy", serving["SslPolicy"], "ELBSecurityPolicy-TLS13-1-2-2021-06")
        fact("certificates", len(serving["Certificates"]), 1)
        action = listeners[80]["DefaultActions"][0]
        fact("80 redirects", action["Type"], "redirect")
        redirect = action["RedirectConfig"]
        got = {key: redirect.get(key) for key in ("Protocol", "Port", "StatusCode")}
        fact("redirect", got, {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"})
    arns = [arn, target] + [entry["ListenerArn"] for entry in listeners.values()]
    for described in elb.describe_tags(ResourceArns=arns)["TagDescriptions"]:
        mine(described["ResourceArn"].split(":")[-1], described["Tags"])
    return target


def service(subnets, ids, target):
    cluster = ecs.describe_clusters(clusters=["circles-cluster"], include=["TAGS"])["clusters"][0]
    fact("cluster", cluster["status"], "ACTIVE")
    mine("cluster", cluster["tags"])
    found = ecs.describe_services(cluster="circles-cluster", services=["circles-svc"], include=["TAGS"])["services"][0]
    mine("service", found["tags"])
    for key, wanted in [("desiredCount", 2), ("launchType", "FARGATE"), ("healthCheckGracePeriodSeconds", 60)]:
        fact(f"service {key}", found[key], wanted)
    vpc = found["networkConfiguration"]["awsvpcConfiguration"]
    fact("service's subnets", set(vpc["subnets"]), {subnets["10.0.11.0/24"], subnets["10.0.12.0/24"]})
    fact("service's groups", vpc["securityGroups"], [ids["circles-ecs-sg"]])
    fact("service's public IP", vpc["assignPublicIp"], "DISABLED")
    breaker = found["deploymentConfiguration"]["deploymentCircuitBreaker"]
    fact("circuit breaker", {key: breaker[key] for key in ("enable", "rollback")}, {"enable": True, "rollback": True})
    behind = found["loadBalancers"][0]
    fact("behind", (behind["targetGroupArn"], behind["containerName"], behind["containerPort"]), (target, "app", 8000))
    return found["taskDefinition"]


def task(arn):
    answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    found = answer["taskDefinition"]
    mine("task definition", answer["tags"])
    wanted = {"family": "circles-task", "networkMode": "awsvpc", "cpu": "512", "memory": "1024",
              "requiresCompatibilities": ["FARGATE"]}
    fact("task", {key: found.get(key) for key in wanted}, wanted)
    platform = found["runtimePlatform"]
    fact("platform", (platform["cpuArchitecture"], platform["operatingSystemFamily"]), ("X86_64", "LINUX"))
    app = found["containerDefinitions"][0]
    fact("containers", [c["name"] for c in found["containerDefinitions"]], ["app"])
    fact("container port", [p["containerPort"] for p in app["portMappings"]], [8000])
    fact("stop timeout", app.get("stopTimeout"), 30)
    fact("has a health check", bool(app.get("healthCheck", {}).get("command")), True)
    fact("image", app["image"], f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/circles-app:latest")
    options = app["logConfiguration"]["options"]
    fact("logs", (app["logConfiguration"]["logDriver"], options["awslogs-group"], options["awslogs-region"]),
         ("awslogs", "/ecs/circles", REGION))
    bucket = bucket_name()
    fact("environment", {e["name"]: e["value"] for e in app["environment"]},
         {"APP_STORAGE_BACKEND": "s3", "APP_USE_POSTGIS": "true", "S3_BUCKET": bucket, "S3_REGION": REGION,
          "APP_OTP_RATE_LIMIT_ENABLED": "true", "APP_OTP_REQUESTS_PER_MINUTE": "5", "APP_OTP_REQUESTS_BURST": "10",
          "APP_OTP_GUESSES_PER_PHONE_DAY": "40", "APP_CHECKIN_MAX_DISTANCE_METERS": "1000",
          "APP_FSQ_TRENDING_OVERRIDE": "false", "APP_JWT_EXPIRY_MINUTES": "20160"})
    config = secrets.describe_secret(SecretId="circles/app-config")["ARN"]
    keys = ("APP_JWT_SECRET_KEY", "APP_OTP_SECRET_KEY", "APP_METRICS_TOKEN", "APP_DATABASE_URL")
    fact("container secrets", {s["name"]: s["valueFrom"] for s in app["secrets"]}, {k: f"{config}:{k}::" for k in keys})
    return found


def database(ids):
    found = rds.describe_db_instances(DBInstanceIdentifier="circles-db")["DBInstances"][0]
    wanted = {"Engine": "postgres", "DBInstanceClass": "db.t4g.small", "AllocatedStorage": 20, "StorageType": "gp3",
              "DBName": "circles", "MasterUsername": "circles", "MultiAZ": False, "PubliclyAccessible": False,
              "StorageEncrypted": True, "DeletionProtection": False, "DBInstanceStatus": "available"}
    fact("database", {key: found[key] for key in wanted}, wanted)
    fact("database version", found["EngineVersion"].split(".")[0], "15")
    fact("database's groups", [g["VpcSecurityGroupId"] for g in found["VpcSecurityGroups"]], [ids["circles-rds-sg"]])
    mine("database", found["TagList"])
    group = found["DBSubnetGroup"]["DBSubnetGroupName"]
    answer = rds.describe_db_subnet_groups(DBSubnetGroupName=group)["DBSubnetGroups"][0]
    inside = {s["SubnetIdentifier"] for s in answer["Subnets"]}
    fact("database's subnets", len(inside), 2)
    parameters = found["DBParameterGroups"][0]["DBParameterGroupName"]
    said = rds.describe_db_parameters(DBParameterGroupName=parameters, Source="user")["Parameters"]
    fact("force_ssl", {p["ParameterName"]: p["ParameterValue"] for p in said}.get("rds.force_ssl"), "1")
    return found["Endpoint"]["Address"], inside


def bucket_name():
    return next(b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith("circles-media-"))


def storage():
    bucket = bucket_name()
    fact("versioning", s3.get_bucket_versioning(Bucket=bucket).get("Status"), "Enabled")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    fact("public access block", set(block.values()), {True})
    rule = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
    fact("encryption", rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    mine("bucket", s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    repository = ecr.describe_repositories(repositoryNames=["circles-app"])["repositories"][0]
    fact("scan on push", repository["imageScanningConfiguration"]["scanOnPush"], True)
    mine("repository", ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"])
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName="circles-app")["lifecyclePolicyText"])["rules"]
    tagged = [r["selection"] for r in rules if r["selection"]["tagStatus"] == "tagged"]
    prefixes = {prefix for selection in tagged for prefix in selection.get("tagPrefixList", selection.get("tagPatternList", []))}
    fact("only releases beyond the last ones expire", {p.rstrip("*").split("-")[0] for p in prefixes} <= {"release", "live"}, True)
    fact("no rule takes any image", "any" in {r["selection"]["tagStatus"] for r in rules}, False)
    group = next(g for g in logs.describe_log_groups(logGroupNamePrefix="/ecs/circles")["logGroups"] if g["logGroupName"] == "/ecs/circles")
    fact("log retention", group["retentionInDays"], 30)
    return bucket


def secret_values(endpoint, bucket):
    master = secrets.get_secret_value(SecretId="circles/db-master")["SecretString"]
    config = json.loads(secrets.get_secret_value(SecretId="circles/app-config")["SecretString"])
    lengths = {key: len(config.get(key, "")) for key in ("APP_JWT_SECRET_KEY", "APP_OTP_SECRET_KEY", "APP_METRICS_TOKEN")}
    fact("generated", lengths, {"APP_JWT_SECRET_KEY": 48, "APP_OTP_SECRET_KEY": 48, "APP_METRICS_TOKEN": 32})
    fact("given", (config["S3_BUCKET"], config["S3_REGION"]), (bucket, REGION))
    fact("keys", set(config) - set(lengths), {"S3_BUCKET", "S3_REGION", "APP_DATABASE_URL"})
    password = next(v for v in json.loads(master).values() if len(v) >= 16)
    fact("URL", config["APP_DATABASE_URL"], f"postgresql://circles:{password}@{endpoint}:5432/circles?sslmode=require")
    for name in ("circles/app-config", "circles/db-master"):
        mine(name, secrets.describe_secret(SecretId=name)["Tags"])


def as_list(value):
    return value if isinstance(value, list) else [value]


def roles(found, bucket):
    config = secrets.describe_secret(SecretId="circles/app-config")["ARN"]
    allowed = {"executionRoleArn": {
        "secretsmanager": [config], "logs": [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/circles"],
        "ecr": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/circles-app", "*"]},
        "taskRoleArn": {"s3": [f"arn:aws:s3:::{bucket}"]}}
    fact("two roles", found["executionRoleArn"] != found["taskRoleArn"], True)
    master = secrets.describe_secret(SecretId="circles/db-master")["ARN"]
    documents = {role["RoleName"]: json.dumps([iam.get_role_policy(RoleName=role["RoleName"], PolicyName=policy)["PolicyDocument"]
                                               for policy in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]])
                 for role in iam.list_roles()["Roles"]}
    fact("who reads the master password", [name for name, text in documents.items() if master in text], [f"circles-app-rotation-{REGION}"])
    for role, services in allowed.items():
        name = found[role].split("/")[-1]
        fact(f"{role} in its path", "/circles-infra/" in found[role] and REGION in name, True)
        mine(name, iam.list_role_tags(RoleName=name)["Tags"])
        fact(f"managed policies of {name}", iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], [])
        seen = set()
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            for statement in iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]:
                for action in as_list(statement["Action"]):
                    service_name = action.split(":")[0]
                    seen.add(service_name)
                    fact(f"{name}: {action} is not a wildcard", "*" in action, False)
                    for resource in as_list(statement["Resource"]):
                        fits = any(resource.startswith(arn) for arn in services.get(service_name, []) if arn != "*")
                        token = action == "ecr:GetAuthorizationToken" and resource == "*"
                        fact(f"{name}: {action} on {resource}", fits or token, True)
        fact(f"{name} speaks of", seen, set(services))


subnets, vpc = network()
ids = groups(vpc)
target = balancer(subnets, ids)
definition = task(service(subnets, ids, target))
endpoint, inside = database(ids)
fact("database is private", inside, {subnets["10.0.11.0/24"], subnets["10.0.12.0/24"]})
bucket = storage()
secret_values(endpoint, bucket)
roles(definition, bucket)
print("\n".join(WRONG) or "every fact holds")
sys.exit(1 if WRONG else 0)
