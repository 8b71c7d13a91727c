package net.servicestack.client;

/** The path of a request. */
public @interface Route {
    String Path();
    String Verbs() default "";
}
