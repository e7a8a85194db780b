mod catalog;
mod circles;
mod support;
