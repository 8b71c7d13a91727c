package net.servicestack.client;

/** Why a request was refused. */
public class ResponseStatus {
}
