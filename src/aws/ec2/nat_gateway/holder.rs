//! Who holds the address that a gateway is to go out under, when EC2 says that it is associated already.
//!
//! AWS takes the address off a gateway that it deletes (user guide, "Delete a NAT gateway"); a work-alike may leave it there for ever.

use aws_sdk_ec2::types::{self, NatGatewayState};

use super::{Live, read_all};
use crate::aws::ec2::{interfaces, look};
use crate::aws::{Aws, aws_error};
use crate::kind::{Class, CloudError, Cx};
use crate::model::Ownership;

/// What is to be made of `refused`, after taking the address off a gateway that is gone: an error that passes where the holder is going or
/// is this stack's, one that does not where somebody else uses the address.
pub async fn of_taken(
    aws: &Aws,
    cx: &Cx,
    allocation: &str,
    refused: CloudError,
) -> Result<CloudError, CloudError> {
    let Some(address) = address(aws, allocation).await? else {
        return Ok(refused);
    };
    let (Some(association), Some(interface)) =
        (address.association_id(), address.network_interface_id())
    else {
        // It was let go of in the meantime.
        return Ok(refused);
    };
    let gateways = read_all(aws, None).await?;
    let holder = gateways
        .into_iter()
        .find(|gateway| gateway.interfaces.iter().any(|id| id == interface));
    match holder {
        Some(gateway) => match gateway.state {
            NatGatewayState::Deleted => {
                let taken_off = disassociate(aws, cx, association).await;
                // Where AWS is still about to do it itself, it refuses: that passes.
                match taken_off {
                    Err(error) if error.is(Class::Stopped) => Err(error),
                    _ => Ok(refused),
                }
            }
            NatGatewayState::Deleting | NatGatewayState::Failed => Ok(refused),
            _ if is_ours(cx, &gateway) => Ok(refused),
            _ => Ok(used(allocation, &gateway.id, refused)),
        },
        None => {
            let filter = vec![("network-interface-id", vec![interface.to_owned()])];
            let found = interfaces::interfaces(aws, filter).await?.pop();
            Ok(match found {
                // A gateway that is not listed yet, or not any more.
                Some(found) if found.interface_type == "nat_gateway" => refused,
                Some(found) => used(allocation, &found.to_string(), refused),
                None => refused,
            })
        }
    }
}

/// Then it is on its way out, or what an attempt before this one made.
fn is_ours(cx: &Cx, gateway: &Live) -> bool {
    Ownership::read(&gateway.tags).is_some_and(|owner| owner.is_of(&cx.scope))
}

fn used(allocation: &str, by: &str, refused: CloudError) -> CloudError {
    CloudError {
        class: Class::Invalid,
        code: "AddressInUse".into(),
        message: format!(
            "the address {allocation} is used by {by}: take it off that, or give this gateway another one"
        ),
        ..refused
    }
}

async fn address(aws: &Aws, allocation: &str) -> Result<Option<types::Address>, CloudError> {
    const ACTION: &str = "ec2:DescribeAddresses";
    let filter = look::one("allocation-id", [allocation]);
    let answer = aws
        .read(ACTION, || async {
            let request = aws.ec2.describe_addresses().filters(filter.clone());
            request.send().await.map_err(|e| aws_error(ACTION, e))
        })
        .await?;
    Ok(answer.addresses.unwrap_or_default().pop())
}

async fn disassociate(aws: &Aws, cx: &Cx, association: &str) -> Result<(), CloudError> {
    const ACTION: &str = "ec2:DisassociateAddress";
    cx.note("its address is still held by a gateway that is deleted, and is taken off it");
    let call = async {
        let request = aws.ec2.disassociate_address().association_id(association);
        request.send().await.map_err(|e| aws_error(ACTION, e))
    };
    cx.call(ACTION, call).await?;
    Ok(())
}
