import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Fetch NAME13 NAME12: https://NAME13/ by TLS 1.3 and https://NAME12/ by TLS 1.2, whatever the certificate. */
class Fetch {
  static class TrustAll extends X509ExtendedTrustManager {
    public void checkClientTrusted(X509Certificate[] chain, String type) {}
    public void checkServerTrusted(X509Certificate[] chain, String type) {}
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}
    public X509Certificate[] getAcceptedIssuers() { return new X509Certificate[0]; }
  }

  static void fetch(String name, String version) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustAll()}, new SecureRandom());
    SSLParameters parameters = new SSLParameters();
    parameters.setProtocols(new String[] {version});
    HttpClient client = HttpClient.newBuilder().sslContext(context).sslParameters(parameters).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create("https://" + name + "/")).build();
    System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
  }

  public static void main(String[] names) throws Exception {
    fetch(names[0], "TLSv1.3");
    fetch(names[1], "TLSv1.2");
  }
}
