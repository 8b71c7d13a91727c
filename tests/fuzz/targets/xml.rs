#![no_main]

fuzz::target!(xml);
