#![no_main]

fuzz::target!(jsv);
