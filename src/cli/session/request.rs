//! Options and variables as the session room takes them.

use crate::cli::ask::Given;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::session::Request;
use crate::stack::VarFile;

/// What the process environment calls variables of the stack.
pub(super) const VARIABLE: &str = "CIRCLES_VAR_";

/// The options as the session room takes them.
pub fn request(global: &Global) -> Result<Request, Failure> {
    let variable_files = global
        .var_file
        .iter()
        .map(|path| {
            let text = crate::stack::read_text(path)
                .map_err(|e| Failure::file("read the variables of", path, e))?;
            Ok(VarFile {
                name: path.display().to_string(),
                text,
            })
        })
        .collect::<Result<_, Failure>>()?;
    Ok(Request {
        stack_file: global.stack.clone(),
        environment: global.env.clone(),
        variables: global.var.clone(),
        variable_files,
        process: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        region: global.region.clone(),
        profile: global.profile.clone(),
        sandbox: global.sandbox,
        listener: None,
    })
}

/// With the variables that a plan was made with, unless others are given now.
pub(super) fn with_given(mut request: Request, given: &Given) -> Request {
    if !request.variables.is_empty() || !request.variable_files.is_empty() {
        return request;
    }
    request.variables = given.variables.clone();
    request.variable_files = given
        .files
        .iter()
        .map(|(name, text)| VarFile {
            name: name.clone(),
            text: text.clone(),
        })
        .collect();
    request.process.extend(given.process.iter().cloned());
    request
}
