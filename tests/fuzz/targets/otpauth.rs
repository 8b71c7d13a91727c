#![no_main]

fuzz::target!(otpauth);
