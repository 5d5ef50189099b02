import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The JDK as a judge: java Pkix.java ROOT ISSUING CERTIFICATE [crl=FILE | ocsp=FILE].
 * Exit 0: the path is valid, 1: it is not (revoked, for instance), 2: something could not be read.
 */
public class Pkix {
	private static final CertificateFactory FACTORY = factory();

	private static CertificateFactory factory() {
		try {
			return CertificateFactory.getInstance("X.509");
		} catch (Exception e) {
			throw new IllegalStateException(e);
		}
	}

	private static X509Certificate certificate(String file) throws Exception {
		try (InputStream in = new FileInputStream(file)) {
			return (X509Certificate) FACTORY.generateCertificate(in);
		}
	}

	private static PKIXRevocationChecker checker(PKIXRevocationChecker.Option... more) throws Exception {
		PKIXRevocationChecker c = (PKIXRevocationChecker) CertPathValidator.getInstance("PKIX").getRevocationChecker();
		EnumSet<PKIXRevocationChecker.Option> options = EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK,
			PKIXRevocationChecker.Option.ONLY_END_ENTITY);
		options.addAll(List.of(more));
		c.setOptions(options);
		return c;
	}

	public static void main(String[] args) {
		X509Certificate issuing;
		X509Certificate leaf;
		PKIXParameters parameters;
		try {
			parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate(args[0]), null)));
			parameters.setRevocationEnabled(false);
			issuing = certificate(args[1]);
			leaf = certificate(args[2]);
			for (int i = 3; i < args.length; i++) {
				if (args[i].startsWith("crl=")) {
					try (InputStream in = new FileInputStream(args[i].substring(4))) {
						X509CRL crl = (X509CRL) FACTORY.generateCRL(in);
						parameters.addCertStore(CertStore.getInstance("Collection",
							new CollectionCertStoreParameters(List.of(crl))));
					}
					parameters.addCertPathChecker(checker(PKIXRevocationChecker.Option.PREFER_CRLS));
				} else {
					PKIXRevocationChecker c = checker();
					c.setOcspResponses(Map.of(leaf, Files.readAllBytes(Path.of(args[i].substring(5)))));
					parameters.addCertPathChecker(c);
				}
			}
		} catch (Exception e) {
			System.out.println("could not be read: " + e);
			System.exit(2);
			return;
		}
		try {
			CertPathValidator.getInstance("PKIX").validate(FACTORY.generateCertPath(List.of(leaf, issuing)), parameters);
			System.out.println("valid: " + leaf.getSubjectX500Principal());
		} catch (CertPathValidatorException e) {
			System.out.println("not valid: " + e.getReason() + " " + e.getMessage());
			System.exit(1);
		} catch (Exception e) {
			System.out.println("failed: " + e);
			System.exit(2);
		}
	}
}
