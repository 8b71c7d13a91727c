#![no_main]

fuzz::target!(multipart);
