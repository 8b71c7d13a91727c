#![no_main]

fuzz::target!(form);
