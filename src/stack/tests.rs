mod circles;
mod support;
