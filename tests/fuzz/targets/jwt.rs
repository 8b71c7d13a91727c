#![no_main]

fuzz::target!(jwt);
