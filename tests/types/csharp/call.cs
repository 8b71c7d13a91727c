// Makes a key with the types that the service generated, as the XML client of the library would: the
// route comes from the attribute, the bodies from the framework's data contracts.
using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Runtime.Serialization;
using System.Text;
using Infrastructure.Api.Interfaces.ServiceOperations.UserAccounts;
using ServiceStack;

static class Call
{
    static string Env(string name) { return Environment.GetEnvironmentVariable(name); }

    static TResponse Send<TResponse>(IReturn<TResponse> request, out int status)
    {
        var route = request.GetType().GetCustomAttributes(typeof(RouteAttribute), true).Cast<RouteAttribute>().First();
        var call = (HttpWebRequest)WebRequest.Create(Env("BASE_URL") + route.Path);
        call.Method = request is IPut ? "PUT" : "POST";
        call.ContentType = call.Accept = "application/xml";
        var credentials = Encoding.UTF8.GetBytes(Env("USER_NAME") + ":" + Env("PASSWORD"));
        call.Headers["Authorization"] = "Basic " + Convert.ToBase64String(credentials);
        using (var body = call.GetRequestStream())
            new DataContractSerializer(request.GetType()).WriteObject(body, request);
        HttpWebResponse reply;
        try { reply = (HttpWebResponse)call.GetResponse(); }
        catch (WebException refused) { reply = (HttpWebResponse)refused.Response; }
        status = (int)reply.StatusCode;
        using (var stream = reply.GetResponseStream())
            return (TResponse)new DataContractSerializer(typeof(TResponse)).ReadObject(stream);
    }

    static int Main()
    {
        int status;
        var made = Send(new GenerateTwoFactorAuthenticationKeyRequest { OrganisationId = Env("ORG") }, out status);
        if (status != 200 || !made.TwoFactorUri.StartsWith("otpauth://totp/"))
            throw new Exception("no key: " + status);
        // A member that the service did not find would have meant the default organisation, and a key.
        var refused = Send(new GenerateTwoFactorAuthenticationKeyRequest { OrganisationId = Env("OTHER_ORG") }, out status);
        if (status != 403 || refused.ResponseStatus.Errors.Single().FieldName != "OrganisationId")
            throw new Exception("not refused: " + status);
        Console.WriteLine("csharp: a key was made, a refusal was understood");
        return 0;
    }
}
