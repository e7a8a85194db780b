"""Databases: states, pending changes, and what is refused."""

import pytest

from conftest import code

gap = pytest.mark.gap


@pytest.fixture
def group(aws, network):
    aws.rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="g", SubnetIds=network.subnets)
    return "g"


def create(aws, group, **more):
    asked = dict(DBInstanceIdentifier="db", DBInstanceClass="db.t4g.small", Engine="postgres", EngineVersion="15",
                 AllocatedStorage=20, MasterUsername="circles", MasterUserPassword="long-enough-1",
                 DBSubnetGroupName=group, BackupRetentionPeriod=7)
    return aws.rds.create_db_instance(**{**asked, **more})["DBInstance"]


def shown(aws):
    return aws.rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]


@gap
def test_a_database_takes_time_and_has_no_endpoint_before(aws, group):
    aws.clock(1)
    made = create(aws, group)
    assert (made["DBInstanceStatus"], made.get("Endpoint")) == ("creating", None)
    assert shown(aws)["DBInstanceStatus"] == "creating"
    assert code(aws.rds.modify_db_instance, DBInstanceIdentifier="db",
                DBInstanceClass="db.t4g.large") == "InvalidDBInstanceState"
    aws.clock(0)
    ready = shown(aws)
    assert ready["DBInstanceStatus"] == "available" and ready["Endpoint"]["Port"] == 5432
    assert ready["EngineVersion"].startswith("15.")


@gap
def test_a_change_waits_for_its_window_or_takes_time(aws, group):
    create(aws, group)
    aws.rds.modify_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.t4g.large", ApplyImmediately=False)
    found = shown(aws)
    assert (found["DBInstanceClass"], found["PendingModifiedValues"]) == (
        "db.t4g.small", {"DBInstanceClass": "db.t4g.large"})
    aws.clock(1)
    aws.rds.modify_db_instance(DBInstanceIdentifier="db", MasterUserPassword="another-long-1", ApplyImmediately=True)
    found = shown(aws)
    # It still says available, and the password is never shown.
    assert found["DBInstanceStatus"] == "available"
    assert found["PendingModifiedValues"]["MasterUserPassword"] == "****"
    aws.clock(0)
    found = shown(aws)
    assert (found["DBInstanceClass"], found.get("PendingModifiedValues")) == ("db.t4g.large", {})


@gap
def test_a_delete_takes_time_and_needs_a_word_about_the_snapshot(aws, network, group):
    create(aws, group)
    assert code(aws.rds.delete_db_instance, DBInstanceIdentifier="db") == "InvalidParameterCombination"
    assert code(aws.rds.delete_db_instance, DBInstanceIdentifier="db", SkipFinalSnapshot=True,
                FinalDBSnapshotIdentifier="last") == "InvalidParameterCombination"
    aws.clock(1)
    aws.rds.delete_db_instance(DBInstanceIdentifier="db", FinalDBSnapshotIdentifier="last")
    assert shown(aws)["DBInstanceStatus"] == "deleting"
    assert code(aws.rds.delete_db_instance, DBInstanceIdentifier="db",
                SkipFinalSnapshot=True) == "InvalidDBInstanceState"
    assert code(aws.rds.delete_db_subnet_group, DBSubnetGroupName=group) == "InvalidDBSubnetGroupStateFault"
    aws.clock(0)
    assert code(aws.rds.describe_db_instances, DBInstanceIdentifier="db") == "DBInstanceNotFound"
    assert [s["DBSnapshotIdentifier"] for s in aws.rds.describe_db_snapshots()["DBSnapshots"]] == ["last"]
    assert code(aws.rds.delete_db_subnet_group, DBSubnetGroupName=group) is None


def test_deletion_protection_holds(aws, group):
    create(aws, group, DeletionProtection=True)
    assert code(aws.rds.delete_db_instance, DBInstanceIdentifier="db",
                SkipFinalSnapshot=True) == "InvalidParameterCombination"


@gap
def test_interfaces_of_a_database_block(aws, network, group):
    create(aws, group, VpcSecurityGroupIds=[network.group])
    assert code(aws.ec2.delete_security_group, GroupId=network.group) == "DependencyViolation"
    assert code(aws.ec2.delete_subnet, SubnetId=network.subnets[0]) == "DependencyViolation"
    aws.rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    assert code(aws.ec2.delete_security_group, GroupId=network.group) is None


@gap
@pytest.mark.parametrize("password", ["tiny-7!", "with/slash-and-more", "with@at-and-more", 'with"quote-and-more',
                                      "with space-and-more"])
def test_passwords_have_rules_and_are_not_repeated(aws, group, password):
    try:
        create(aws, group, MasterUserPassword=password)
        raise AssertionError("accepted")
    except aws.rds.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidParameterValue"
        assert password not in error.response["Error"]["Message"]


@gap
def test_impossible_changes_are_refused(aws, group):
    create(aws, group)
    change = dict(DBInstanceIdentifier="db", ApplyImmediately=True)
    assert code(aws.rds.modify_db_instance, **change) == "InvalidParameterCombination"
    assert code(aws.rds.modify_db_instance, **change, AllocatedStorage=10) == "InvalidParameterCombination"
    assert code(aws.rds.modify_db_instance, **change, EngineVersion="16") == "InvalidParameterCombination"
    assert code(aws.rds.modify_db_instance, **change, EngineVersion="16", AllowMajorVersionUpgrade=True) is None


@gap
def test_subnet_groups_have_rules(aws, network, group):
    asked = dict(DBSubnetGroupDescription="x")
    assert code(aws.rds.create_db_subnet_group, DBSubnetGroupName="one", SubnetIds=network.subnets[:1],
                **asked) == "DBSubnetGroupDoesNotCoverEnoughAZs"
    assert code(aws.rds.create_db_subnet_group, DBSubnetGroupName="g", SubnetIds=network.subnets,
                **asked) == "DBSubnetGroupAlreadyExists"
    aws.rds.modify_db_subnet_group(DBSubnetGroupName="g", SubnetIds=network.subnets)
    assert code(aws.rds.describe_db_subnet_groups, DBSubnetGroupName="g") is None


@gap
def test_a_parameter_group_in_use_stays(aws, group):
    aws.rds.create_db_parameter_group(DBParameterGroupName="pg", DBParameterGroupFamily="postgres15", Description="p")
    create(aws, group, DBParameterGroupName="pg")
    assert code(aws.rds.delete_db_parameter_group, DBParameterGroupName="pg") == "InvalidDBParameterGroupState"
    aws.rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    aws.rds.describe_db_instances()
    assert code(aws.rds.delete_db_parameter_group, DBParameterGroupName="pg") is None
    assert code(aws.rds.describe_db_parameter_groups, DBParameterGroupName="pg") == "DBParameterGroupNotFound"
