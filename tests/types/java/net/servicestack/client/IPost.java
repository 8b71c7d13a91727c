package net.servicestack.client;

/** Marks requests of that verb. */
public interface IPost {
}
