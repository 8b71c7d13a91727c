#![no_main]

fuzz::target!(request);
