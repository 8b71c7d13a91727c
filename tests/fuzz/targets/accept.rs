#![no_main]

fuzz::target!(accept);
