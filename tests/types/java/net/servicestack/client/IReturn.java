package net.servicestack.client;

/** Says what a request returns. */
public interface IReturn<T> {
    Object getResponseType();
}
