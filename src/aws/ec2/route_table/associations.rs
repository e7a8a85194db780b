//! Which subnets use a table. A subnet has at most one explicit association; moving it gives the association a new id.

use aws_sdk_ec2::types::{self, RouteTableAssociationStateCode as State};

use crate::aws::ec2::{look, tags};
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx, IntentVerb};
use crate::model::Ownership;

#[derive(Clone)]
pub struct Association {
    id: String,
    pub subnet: String,
    pub associating: bool,
}

impl Association {
    /// `None` for the main table's implicit one, a gateway's, and one that has failed or is gone or going.
    pub fn read(association: &types::RouteTableAssociation) -> Option<Self> {
        let state = association.association_state().and_then(|s| s.state());
        if matches!(
            state,
            Some(State::Failed | State::Disassociated | State::Disassociating)
        ) {
            return None;
        }
        Some(Self {
            id: association.route_table_association_id()?.to_owned(),
            subnet: association.subnet_id()?.to_owned(),
            associating: state == Some(&State::Associating),
        })
    }
}

/// Makes `wanted` the subnets that use the table.
pub async fn settle(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    live: &mut Vec<Association>,
    wanted: &[String],
) -> Result<(), CloudError> {
    for subnet in wanted {
        if !live.iter().any(|association| association.subnet == *subnet) {
            live.push(associate(aws, cx, table, subnet).await?);
        }
    }
    for association in live.iter().filter(|a| !wanted.contains(&a.subnet)) {
        disassociate(aws, cx, &association.id).await?;
    }
    live.retain(|association| wanted.contains(&association.subnet));
    Ok(())
}

/// A table of the stack may let go of the subnet, or another take it, between two calls.
const TRIES: u32 = 4;

/// `Resource.AlreadyAssociated`: the subnet uses another table. From one of this stack it is moved; another's is not touched.
async fn associate(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    subnet: &str,
) -> Result<Association, CloudError> {
    // Where several tables are put right at once, the one that the subnet has by mistake lets go of it at the same time. What it lets go
    // of must not be what this one is answered with (moto hands out the other table's association instead of refusing).
    if cx.verb == IntentVerb::Update
        && let Some((id, on)) = elsewhere(aws, cx, subnet).await?
    {
        if on == table {
            return Ok(associated(Some(&id), None, subnet));
        }
        match take_over(aws, cx, table, &id, subnet).await {
            Err(error) if error.is(Class::NotFound) => {}
            answer => return answer,
        }
    }
    let mut tries = 1;
    loop {
        let refused = match ask(aws, cx, table, subnet).await {
            Err(error) if error.code == "Resource.AlreadyAssociated" => error,
            answer => return answer,
        };
        let last = match elsewhere(aws, cx, subnet).await? {
            Some((id, on)) if on == table => return Ok(associated(Some(&id), None, subnet)),
            Some((id, _)) => match take_over(aws, cx, table, &id, subnet).await {
                Err(error) if error.is(Class::NotFound) => error,
                answer => return answer,
            },
            None => refused,
        };
        if tries == TRIES {
            return Err(last);
        }
        tries += 1;
    }
}

async fn ask(aws: &Aws, cx: &Cx, table: &str, subnet: &str) -> Result<Association, CloudError> {
    let answer = cx
        .call("ec2:AssociateRouteTable", async {
            aws.ec2
                .associate_route_table()
                .route_table_id(table)
                .subnet_id(subnet)
                .send()
                .await
                .map_err(|e| aws_error("ec2:AssociateRouteTable", e))
        })
        .await?;
    Ok(associated(
        answer.association_id(),
        answer.association_state(),
        subnet,
    ))
}

async fn take_over(
    aws: &Aws,
    cx: &Cx,
    table: &str,
    id: &str,
    subnet: &str,
) -> Result<Association, CloudError> {
    let answer = cx
        .call("ec2:ReplaceRouteTableAssociation", async {
            aws.ec2
                .replace_route_table_association()
                .association_id(id)
                .route_table_id(table)
                .send()
                .await
                .map_err(|e| aws_error("ec2:ReplaceRouteTableAssociation", e))
        })
        .await?;
    Ok(associated(
        answer.new_association_id(),
        answer.association_state(),
        subnet,
    ))
}

fn associated(
    id: Option<&str>,
    state: Option<&types::RouteTableAssociationState>,
    subnet: &str,
) -> Association {
    Association {
        id: id.unwrap_or_default().to_owned(),
        subnet: subnet.to_owned(),
        associating: state.and_then(|s| s.state()) == Some(&State::Associating),
    }
}

/// The association of a subnet, and the table it is with, if that table is this stack's.
async fn elsewhere(
    aws: &Aws,
    cx: &Cx,
    subnet: &str,
) -> Result<Option<(String, String)>, CloudError> {
    let answer = aws
        .read("ec2:DescribeRouteTables", || async {
            aws.ec2
                .describe_route_tables()
                .filters(look::one("association.subnet-id", [subnet]))
                .send()
                .await
                .map_err(|e| aws_error("ec2:DescribeRouteTables", e))
        })
        .await?;
    Ok(answer
        .route_tables()
        .iter()
        .filter(|table| {
            Ownership::read(&tags::read(table.tags())).is_some_and(|owner| owner.is_of(&cx.scope))
        })
        .flat_map(|table| table.associations())
        .find(|association| association.subnet_id() == Some(subnet))
        .and_then(|association| {
            Some((
                association.route_table_association_id()?.to_owned(),
                association.route_table_id()?.to_owned(),
            ))
        }))
}

async fn disassociate(aws: &Aws, cx: &Cx, id: &str) -> Result<(), CloudError> {
    let answer = cx
        .call("ec2:DisassociateRouteTable", async {
            aws.ec2
                .disassociate_route_table()
                .association_id(id)
                .send()
                .await
                .map_err(|e| aws_error("ec2:DisassociateRouteTable", e))
        })
        .await;
    match answer {
        Err(error) if error.is(Class::NotFound) => Ok(()),
        other => other.map(drop),
    }
}
