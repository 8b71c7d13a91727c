#![no_main]

fuzz::target!(encoding);
